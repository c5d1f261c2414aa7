// SPDX-License-Identifier: BSD-3-Clause
#ifndef PARSER_KERNEL_NUMBER_H
#define PARSER_KERNEL_NUMBER_H

// k_number() of the x86 kernels (SSE4.1).
#include "parser/internal.h"

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

static inline __m128i number_constant(const void *p)
{
	return _mm_load_si128((const __m128i *)p);
}

static inline bool k_number(const char *p, size_t n, uint64_t *value)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + n - 16));
	__m128i keep = _mm_loadu_si128((const __m128i *)(const void *)(sip_number_table.none + n));
	__m128i above;

	v = _mm_and_si128(_mm_sub_epi8(v, number_constant(sip_number_table.zeros)), keep);
	above = _mm_subs_epu8(v, number_constant(sip_number_table.nines));
	v = _mm_maddubs_epi16(v, number_constant(sip_number_table.tens));
	v = _mm_madd_epi16(v, number_constant(sip_number_table.hundreds));
	v = _mm_packus_epi32(v, v);
	v = _mm_madd_epi16(v, number_constant(sip_number_table.myriads));
	*value = (uint64_t)_mm_cvtsi128_si64(v);
	return _mm_testz_si128(above, above);
}

#endif

// SPDX-License-Identifier: BSD-3-Clause
#ifndef PARSER_KERNEL_NUMBER_H
#define PARSER_KERNEL_NUMBER_H

// k_number() of the x86 kernels (SSE4.1).
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define TWICE(...) __VA_ARGS__, __VA_ARGS__
#define FOUR_TIMES(...) TWICE(__VA_ARGS__), TWICE(__VA_ARGS__)

// In memory: an instruction each where it is used, and none to make them.
static const struct {
	uint8_t none[16], all[16]; // 16 octets from the n-th on keep the last n of a vector
	uint8_t zeros[16], nines[16];
	int8_t tens[16];
	int16_t hundreds[8], myriads[8];
} number_table __attribute__((aligned(64))) = {
	.all = {FOUR_TIMES(255, 255, 255, 255)},
	.zeros = {FOUR_TIMES('0', '0', '0', '0')},
	.nines = {FOUR_TIMES(9, 9, 9, 9)},
	.tens = {FOUR_TIMES(10, 1, 10, 1)},
	.hundreds = {FOUR_TIMES(100, 1)},
	.myriads = {FOUR_TIMES(10000, 1)},
};

static inline __m128i number_constant(const void *p)
{
	return _mm_load_si128((const __m128i *)p);
}

static inline bool k_number(const char *p, size_t n, uint64_t *value)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + n - 16));
	__m128i keep = _mm_loadu_si128((const __m128i *)(const void *)(number_table.none + n));
	__m128i above;

	v = _mm_and_si128(_mm_sub_epi8(v, number_constant(number_table.zeros)), keep);
	above = _mm_subs_epu8(v, number_constant(number_table.nines));
	v = _mm_maddubs_epi16(v, number_constant(number_table.tens));
	v = _mm_madd_epi16(v, number_constant(number_table.hundreds));
	v = _mm_packus_epi32(v, v);
	v = _mm_madd_epi16(v, number_constant(number_table.myriads));
	*value = (uint64_t)_mm_cvtsi128_si64(v);
	return _mm_testz_si128(above, above);
}

#undef TWICE
#undef FOUR_TIMES
#endif

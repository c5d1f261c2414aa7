// SPDX-License-Identifier: BSD-3-Clause
#ifndef PARSER_NUMBER_H
#define PARSER_NUMBER_H

#include "parser/load.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE4_1__
#include <immintrin.h>
#endif

// Numbers in messages. number_of(p, n, value): whether the n octets at p are digits, n from 0 to
// 16; their low eight decimals are in value's high half, those before them in the low half. 16
// octets before p + n are readable. With vectors, no jump depends on n.
// Little-endian.

// Vectors that make numbers of digits. In another file than their use: the compiler, which cannot
// see them, takes them from memory in the instruction that uses them, and makes none anew.
struct sip_number_table {
	uint8_t none[16], all[16]; // 16 octets from the n-th on keep the last n of a vector
	uint8_t zeros[16], nines[16];
	int8_t tens[16];
	int16_t hundreds[8], myriads[8];
} __attribute__((aligned(64)));
extern const struct sip_number_table sip_number_table;

#ifdef __SSE4_1__
static inline __m128i number_constant(const void *p)
{
	return _mm_load_si128((const __m128i *)p);
}

static inline bool number_of(const char *p, size_t n, uint64_t *value)
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
#else
// What eight octets say in decimal, the first digit in the lowest octet; as digits, not characters.
static inline uint32_t digits8(uint64_t w)
{
	// Tens, hundreds and ten thousands at once.
	w = w * 10 + (w >> 8);
	return (uint32_t)(((w & 0x000000ff000000ffULL) * (100 + (1000000ULL << 32)) +
				  (w >> 16 & 0x000000ff000000ffULL) * (1 + (10000ULL << 32))) >>
		32);
}

static inline bool are_digits(uint64_t w)
{
	return (((w + 0x7676767676767676ULL) | w) & 0x8080808080808080ULL) == 0;
}

static inline bool number_of(const char *p, size_t n, uint64_t *value)
{
	uint64_t low = load64(p + n - 8) ^ 0x3030303030303030ULL, high = 0;
	unsigned int before = 8 * (unsigned int)(n < 8 ? 8 - n : 16 - n) & 63; // bits

	if (n == 0)
		low = 0;
	else if (n < 8)
		low = low >> before << before;
	else if (n > 8)
		high = (load64(p + n - 16) ^ 0x3030303030303030ULL) >> before << before;
	*value = digits8(high) | (uint64_t)digits8(low) << 32;
	return are_digits(low) && are_digits(high);
}
#endif

#endif

// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_BASE32_H
#define DISPATCH_BASE32_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

// Base32 (RFC 4648 alphabet in lower case), 40 bits to eight characters at a time and without a
// branch. Upper case is understood as well.

#define BASE32_ONES UINT64_C(0x0101010101010101)

// Write the low 40 bits of `bits`, most significant first.
static inline void base32_put(char out[8], uint64_t bits)
{
	uint64_t x = (bits >> 20 & 0xfffff) | (bits & 0xfffff) << 32;
	uint64_t upper;

	x = (x >> 10 & UINT64_C(0x000003ff000003ff)) | (x & UINT64_C(0x000003ff000003ff)) << 16;
	x = (x >> 5 & UINT64_C(0x001f001f001f001f)) | (x & UINT64_C(0x001f001f001f001f)) << 8;
	// 0..25: 'a'..'z', 26..31: '2'..'7'.
	upper = (x + 6 * BASE32_ONES) >> 5 & BASE32_ONES;
	x = x + 'a' * BASE32_ONES - upper * ('a' - ('2' - 26));
	memcpy(out, &x, 8);
}

// Read eight characters. Returns false when one of them is not of the alphabet.
static inline bool base32_get(const char in[8], uint64_t *bits)
{
	const uint64_t high = 0x80 * BASE32_ONES;
	uint64_t raw, c, letter, digit, values;

	memcpy(&raw, in, 8);
	c = (raw | 0x20 * BASE32_ONES) & ~high;
	// Bit 7 of each octet: is it at least this character?
	letter = (c + (0x80 - 'a') * BASE32_ONES) & ~(c + (0x80 - 'z' - 1) * BASE32_ONES) & high;
	digit = (c + (0x80 - '2') * BASE32_ONES) & ~(c + (0x80 - '7' - 1) * BASE32_ONES) & high;
	// Bit 5 was set above: a digit must have had it, or a control octet would pass as one.
	digit &= raw << 2;
	if (((letter | digit) & ~raw & high) != high)
		return false;

	letter >>= 7;
	values = c - letter * 'a' - (BASE32_ONES - letter) * ('2' - 26);
	values = (values & UINT64_C(0x001f001f001f001f)) << 5 |
		(values >> 8 & UINT64_C(0x001f001f001f001f));
	values = (values & UINT64_C(0x000003ff000003ff)) << 10 |
		(values >> 16 & UINT64_C(0x000003ff000003ff));
	*bits = (values & 0xfffff) << 20 | (values >> 32 & 0xfffff);
	return true;
}

#ifdef __AVX2__
// Four groups of 40 bits at once: 20 octets as 32 characters. The octets are the words' in
// big-endian order; the first group begins with the most significant bit of words[0].

// From where in its 128 bits each character's 16 bits come that hold its five: octets 0 to 4 of a
// group are at a to e.
#define BASE32_WINDOWS(a, b, c, d, e) b, a, b, a, c, b, c, b, d, c, e, d, e, d, -1, e

static inline void base32_put_4(char out[32], const uint64_t words[3])
{
	const __m256i first =
		_mm256_setr_epi8(BASE32_WINDOWS(7, 6, 5, 4, 3), BASE32_WINDOWS(5, 4, 3, 2, 1));
	const __m256i second = _mm256_setr_epi8(
		BASE32_WINDOWS(2, 1, 0, 15, 14), BASE32_WINDOWS(0, 15, 14, 13, 12));
	// What shifts each character's bits to the bottom: a product's upper half.
	const __m256i shifts = _mm256_setr_epi16(1 << 5, 1 << 10, 1 << 7, 1 << 12, 1 << 9, 1 << 6,
		1 << 11, 1 << 8, 1 << 5, 1 << 10, 1 << 7, 1 << 12, 1 << 9, 1 << 6, 1 << 11, 1 << 8);
	__m256i octets = _mm256_set_epi64x(
		(long long)words[2], (long long)words[1], (long long)words[1], (long long)words[0]);
	__m256i x = _mm256_packus_epi16(
		_mm256_and_si256(_mm256_mulhi_epu16(_mm256_shuffle_epi8(octets, first), shifts),
			_mm256_set1_epi16(31)),
		_mm256_and_si256(_mm256_mulhi_epu16(_mm256_shuffle_epi8(octets, second), shifts),
			_mm256_set1_epi16(31)));
	__m256i digits = _mm256_and_si256(
		_mm256_cmpgt_epi8(x, _mm256_set1_epi8(25)), _mm256_set1_epi8('a' - ('2' - 26)));

	x = _mm256_sub_epi8(_mm256_add_epi8(x, _mm256_set1_epi8('a')), digits);
	_mm256_storeu_si256((__m256i *)out, x);
}

// Read 32 characters into four groups. Returns which of them are of the alphabet, a bit each.
static inline uint32_t base32_get_4(const char in[32], uint64_t groups[4])
{
	__m256i raw = _mm256_loadu_si256((const __m256i *)in);
	__m256i c = _mm256_or_si256(raw, _mm256_set1_epi8(0x20));
	// Octets from 0x80 on are negative and greater than none.
	__m256i letter = _mm256_and_si256(_mm256_cmpgt_epi8(c, _mm256_set1_epi8('a' - 1)),
		_mm256_cmpgt_epi8(_mm256_set1_epi8('z' + 1), c));
	__m256i digit = _mm256_and_si256(_mm256_cmpgt_epi8(raw, _mm256_set1_epi8('2' - 1)),
		_mm256_cmpgt_epi8(_mm256_set1_epi8('7' + 1), raw));
	__m256i x = _mm256_blendv_epi8(_mm256_sub_epi8(raw, _mm256_set1_epi8('2' - 26)),
		_mm256_sub_epi8(c, _mm256_set1_epi8('a')), letter);

	// Pairs to 10 bits, to 20 bits, to 40 bits.
	x = _mm256_maddubs_epi16(x, _mm256_set1_epi16(1 << 8 | 32));
	x = _mm256_madd_epi16(x, _mm256_set1_epi32(1 << 16 | 1024));
	x = _mm256_or_si256(
		_mm256_srli_epi64(_mm256_slli_epi64(x, 32), 12), _mm256_srli_epi64(x, 32));
	_mm256_storeu_si256((__m256i *)groups, x);
	return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(letter, digit));
}
#endif

#endif

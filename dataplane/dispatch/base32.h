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

#ifdef __AVX512VBMI__
// All groups of a token at once, up to eight. The octets are the words' in big-endian order; the
// first group begins with the most significant bit of words[0].

// Where the octets of group g stand in the words, the last one first.
#define BASE32_OCTET(k) ((k) / 8 * 8 + 7 - (k) % 8)
#define BASE32_FROM(g)                                                                   \
	BASE32_OCTET(5 * (g) + 4), BASE32_OCTET(5 * (g) + 3), BASE32_OCTET(5 * (g) + 2), \
		BASE32_OCTET(5 * (g) + 1), BASE32_OCTET(5 * (g)), 63, 63, 63
// And where those of word w stand in groups, the last octet first.
#define BASE32_TO_1(k) ((k) / 5 * 8 + 4 - (k) % 5)
#define BASE32_TO(w)                                                                          \
	BASE32_TO_1(8 * (w) + 7), BASE32_TO_1(8 * (w) + 6), BASE32_TO_1(8 * (w) + 5),         \
		BASE32_TO_1(8 * (w) + 4), BASE32_TO_1(8 * (w) + 3), BASE32_TO_1(8 * (w) + 2), \
		BASE32_TO_1(8 * (w) + 1), BASE32_TO_1(8 * (w))
#define BASE32_ROW(x) x, x, x, x, x, x, x, x
#define BASE32_NONE BASE32_ROW(0x80), BASE32_ROW(0x80), BASE32_ROW(0x80), BASE32_ROW(0x80)
#define BASE32_LETTERS                                                                          \
	0x80, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, \
		23, 24, 25, 0x80, 0x80, 0x80, 0x80, 0x80

// Write them, as vectors: up to a group is written beyond the last one.
static inline __attribute__((always_inline)) void base32_put_all(
	char *out, const uint64_t words[5], unsigned int groups)
{
	static const uint8_t from[64] __attribute__((aligned(64))) = {BASE32_FROM(0),
		BASE32_FROM(1), BASE32_FROM(2), BASE32_FROM(3), BASE32_FROM(4), BASE32_FROM(5),
		BASE32_FROM(6), BASE32_FROM(7)};
	// Twice, because an index has a bit more than five.
	static const char alphabet[64] __attribute__((aligned(64))) =
		"abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrstuvwxyz234567";
	__m512i x = _mm512_set_epi64(0, 0, 0, (long long)words[4], (long long)words[3],
		(long long)words[2], (long long)words[1], (long long)words[0]);

	x = _mm512_permutexvar_epi8(_mm512_load_si512(from), x);
	// The first character's five bits are the uppermost of 40, and so on.
	x = _mm512_multishift_epi64_epi8(_mm512_set1_epi64(0x00050a0f14191e23), x);
	x = _mm512_permutexvar_epi8(x, _mm512_load_si512(alphabet));
	_mm256_storeu_si256((__m256i *)out, _mm512_castsi512_si256(x));
	if (groups > 6)
		_mm256_storeu_si256((__m256i *)(out + 32), _mm512_extracti64x4_epi64(x, 1));
	else if (groups > 4)
		_mm_storeu_si128((__m128i *)(out + 32), _mm512_extracti32x4_epi32(x, 2));
}

// Read groups into words[0 .. 8), reading nothing else. Returns whether all are of the alphabet;
// words beyond them are 0.
static inline __attribute__((always_inline)) bool base32_get_all(
	const char *in, uint64_t words[8], unsigned int groups)
{
	static const uint8_t values[128] __attribute__((aligned(64))) = {BASE32_NONE,
		BASE32_ROW(0x80), BASE32_ROW(0x80), 0x80, 0x80, 26, 27, 28, 29, 30, 31,
		BASE32_ROW(0x80), BASE32_LETTERS, BASE32_LETTERS};
	static const uint8_t to[64]
		__attribute__((aligned(64))) = {BASE32_TO(0), BASE32_TO(1), BASE32_TO(2),
			BASE32_TO(3), BASE32_TO(4), BASE32_ROW(63), BASE32_ROW(63), BASE32_ROW(63)};
	__mmask64 wanted = UINT64_MAX >> (64 - 8 * groups);
	__m512i raw = _mm512_maskz_loadu_epi8(wanted, in);
	__m512i x = _mm512_maskz_permutex2var_epi8(
		wanted, _mm512_load_si512(values), raw, _mm512_load_si512(values + 64));
	// An octet from 0x80 on takes the value of another one.
	bool good = _mm512_movepi8_mask(_mm512_or_si512(x, raw)) == 0;

	// Pairs to 10 bits, to 20 bits, to 40 bits.
	x = _mm512_maddubs_epi16(x, _mm512_set1_epi16(1 << 8 | 32));
	x = _mm512_madd_epi16(x, _mm512_set1_epi32(1 << 16 | 1024));
	x = _mm512_or_si512(
		_mm512_srli_epi64(_mm512_slli_epi64(x, 32), 12), _mm512_srli_epi64(x, 32));
	_mm512_storeu_si512(words, _mm512_permutexvar_epi8(_mm512_load_si512(to), x));
	return good;
}
#elif defined(__AVX2__)
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

// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_TEXT_H
#define DISPATCH_TEXT_H

#include <stdint.h>
#include <string.h>

#include "dataplane/dispatch/addr.h"
#ifdef __AVX512BW__
#include <immintrin.h>
#endif

// Numbers and addresses as text, without printf. Each writes at `out` and returns the end of what
// it wrote; it may scribble up to TEXT_SLACK octets beyond that.

#define TEXT_SLACK 8

// All numbers of an octet, each followed by a dot.
extern const char text_octets[260][4];

static inline char *text_u8(char *out, uint8_t value)
{
	memcpy(out, text_octets[value], 4);
	return out + 1 + (value > 9) + (value > 99);
}

// By the highest bit: what makes the high half of a sum with a number its digits.
extern const uint64_t text_digits[16];

static inline unsigned int text_nb_digits(uint16_t value)
{
	return (unsigned int)((value + text_digits[31 - __builtin_clz(value | 1u)]) >> 32);
}

static inline char *text_u16(char *out, uint16_t value)
{
	// Two digits at a time are the last two of a number from 100 to 199.
	unsigned int hundreds = value / 100u;
	unsigned int nb = text_nb_digits(value);
	uint16_t high, low;
	uint64_t digits;

	memcpy(&high, &text_octets[100 + hundreds % 100][1], 2);
	memcpy(&low, &text_octets[100 + value % 100u][1], 2);
	digits = (uint64_t)('0' + hundreds / 100) | (uint64_t)high << 8 | (uint64_t)low << 24;
	digits >>= 8 * (5 - nb);
	memcpy(out, &digits, 8);
	return out + nb;
}

char *text_u32(char *out, uint32_t value);
char *text_ipv6(char *out, const uint8_t octets[16]); // as RFC 5952, without brackets

static inline char *text_ip(char *out, const struct ip_addr *ip)
{
	if (ip->family == 6)
		return text_ipv6(out, ip->octets);
	for (unsigned int i = 0; i < 4; i++)
		out = text_u8(out, ip->octets[i]) + 1;
	return out - 1;
}

// memcmp() and memchr() of what is rarely longer than a vector: no call, and no jump on the length.
#ifdef __AVX512BW__
static inline bool text_same(const char *a, const char *b, size_t len)
{
	__mmask64 all = _bzhi_u64(UINT64_MAX, (uint32_t)len);

	if (len > 64)
		return memcmp(a, b, len) == 0;
	return _mm512_cmpneq_epu8_mask(
		       _mm512_maskz_loadu_epi8(all, a), _mm512_maskz_loadu_epi8(all, b)) == 0;
}

static inline const char *text_find(const char *p, char c, size_t len)
{
	__mmask64 all = _bzhi_u64(UINT64_MAX, (uint32_t)len);
	uint64_t found;

	if (len > 64)
		return memchr(p, c, len);
	found = _mm512_mask_cmpeq_epi8_mask(
		all, _mm512_maskz_loadu_epi8(all, p), _mm512_set1_epi8(c));
	return found != 0 ? p + _tzcnt_u64(found) : NULL;
}
#else
static inline bool text_same(const char *a, const char *b, size_t len)
{
	return memcmp(a, b, len) == 0;
}

static inline const char *text_find(const char *p, char c, size_t len)
{
	return memchr(p, c, len);
}
#endif

#endif

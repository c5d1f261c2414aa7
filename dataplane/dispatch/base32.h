// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_BASE32_H
#define DISPATCH_BASE32_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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

#endif

// SPDX-License-Identifier: BSD-3-Clause
#ifndef PARSER_PARSE_WORDS_H
#define PARSER_PARSE_WORDS_H

// Words of octets, for the fast paths of parse_body.h. Little-endian.
#include "parser/internal.h"
#include "parser/load.h"
#include "parser/opaque.h"

#include <stddef.h>

// Not __builtin_expect(), which means nine times in ten: a few dozen of these one after the other,
// and the compiler takes what comes last for rare.
#define likely(x) __builtin_expect_with_probability(!!(x), 1, 0.9999)
#define unlikely(x) __builtin_expect_with_probability(!!(x), 0, 0.9999)
#define COLD __attribute__((noinline, cold))
#define INLINE static inline __attribute__((always_inline))

// What a fast path looks at of one kind before it leaves the rest to the exact function.
#define FAST_PARAMS_MAX 16
#define FAST_MARKS_MAX 32

// Letters as words; a word or-ed with SP octets has its letters in lower case.
#define WORD2(a, b) ((uint16_t)((a) | (b) << 8))
#define WORD4(a, b, c, d) \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define WORD8(a, b, c, d, e, f, g, h) \
	((uint64_t)WORD4(a, b, c, d) | (uint64_t)WORD4(e, f, g, h) << 32)
#define SPACES 0x2020202020202020ULL

static inline unsigned int ctz64(uint64_t w)
{
	return (unsigned int)__builtin_ctzll(w);
}

static inline unsigned int clz64(uint64_t w)
{
	return (unsigned int)__builtin_clzll(w);
}

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

// k_number() without vectors.
static inline bool number_by_words(const char *p, size_t n, uint64_t *value)
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

static inline struct sip_slice slice_at(unsigned int off, unsigned int len)
{
	return (struct sip_slice){(uint16_t)off, (uint16_t)len};
}

static inline struct sip_slice slice_of(const char *buf, const char *from, const char *to)
{
	return slice_at((unsigned int)(from - buf), (unsigned int)(to - from));
}

#endif

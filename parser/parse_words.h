// SPDX-License-Identifier: BSD-3-Clause
#ifndef PARSER_PARSE_WORDS_H
#define PARSER_PARSE_WORDS_H

// Words of octets, for the fast paths of parse_body.h. Little-endian.
#include "parser/internal.h"
#include "parser/load.h"
#include "parser/number.h"
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

static inline struct sip_slice slice_at(unsigned int off, unsigned int len)
{
	return sip_slice_at(off, len);
}

static inline struct sip_slice slice_of(const char *buf, const char *from, const char *to)
{
	return slice_at((unsigned int)(from - buf), (unsigned int)(to - from));
}

#endif

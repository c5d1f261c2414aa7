// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_SIPHASH_INLINE_H
#define DISPATCH_SIPHASH_INLINE_H

#include "parser/load.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// The rounds of SipHash, for callers that hash words they hold in registers. Little-endian machines
// only, as all that DPDK runs on here are.

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "octets are loaded as words");

// Loops with a constant count that are worth their octets: gcc -O2 does not unroll them by itself,
// clang does.
#ifdef __clang__
#define DISPATCH_UNROLL
#else
#define DISPATCH_UNROLL _Pragma("GCC unroll 8")
#endif

struct siphash {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t siphash_rotl(uint64_t x, unsigned int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline struct siphash siphash_begin_words(uint64_t k0, uint64_t k1)
{
	return (struct siphash){
		.v0 = k0 ^ UINT64_C(0x736f6d6570736575),
		.v1 = k1 ^ UINT64_C(0x646f72616e646f6d),
		.v2 = k0 ^ UINT64_C(0x6c7967656e657261),
		.v3 = k1 ^ UINT64_C(0x7465646279746573),
	};
}

static inline struct siphash siphash_begin(const uint8_t key[16])
{
	return siphash_begin_words(load64(key), load64(key + 8));
}

static inline void siphash_rounds(struct siphash *s, unsigned int rounds)
{
	DISPATCH_UNROLL
	for (unsigned int i = 0; i < rounds; i++) {
		s->v0 += s->v1;
		s->v1 = siphash_rotl(s->v1, 13) ^ s->v0;
		s->v0 = siphash_rotl(s->v0, 32);
		s->v2 += s->v3;
		s->v3 = siphash_rotl(s->v3, 16) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = siphash_rotl(s->v3, 21) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = siphash_rotl(s->v1, 17) ^ s->v2;
		s->v2 = siphash_rotl(s->v2, 32);
	}
}

static inline void siphash_word(struct siphash *s, uint64_t word, unsigned int rounds)
{
	s->v3 ^= word;
	siphash_rounds(s, rounds);
	s->v0 ^= word;
}

// The last 0..7 octets of data[0 .. len) as the low octets of a word.
static inline uint64_t siphash_tail(const uint8_t *data, size_t len)
{
	unsigned int rest = len & 7;
	uint64_t word = 0;

	// One load that ends where the data ends, instead of a jump that depends on the length.
	if (len >= 8)
		return load64(data + len - 8) >> 1 >> (63 - 8 * rest);
	for (unsigned int i = 0; i < rest; i++)
		word |= (uint64_t)data[i] << (8 * i);
	return word;
}

// Take in data and the end mark. `before`: octets taken in earlier, a multiple of 8.
static inline uint64_t siphash_end(struct siphash *s, const void *data, size_t len, size_t before,
	unsigned int c, unsigned int d)
{
	const uint8_t *p = data;

	for (size_t i = 0; i + 8 <= len; i += 8)
		siphash_word(s, load64(p + i), c);
	siphash_word(s, siphash_tail(p, len) | (uint64_t)(before + len) << 56, c);
	s->v2 ^= 0xff;
	siphash_rounds(s, d);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

#endif

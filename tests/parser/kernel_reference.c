// SPDX-License-Identifier: BSD-3-Clause
// sip_parse() octet by octet: no vectors, no words, no fast path. Slow, and what all kernels must
// agree with.
#include "tests/parser/same.h"

#include <stdint.h>

#define MASK64(condition)                                   \
	do {                                                \
		uint64_t mask = 0;                          \
		for (unsigned int i = 0; i < 64; i++)       \
			mask |= (uint64_t)(condition) << i; \
		return mask;                                \
	} while (0)

static inline uint64_t k_eq64(const char *p, char c)
{
	MASK64(p[i] == c);
}

static inline uint64_t k_control64(const char *p)
{
	MASK64((unsigned char)p[i] < 0x20);
}

static inline uint64_t k_space64(const char *p)
{
	MASK64((unsigned char)p[i] <= 0x20);
}

// The rest is for fast paths, which this kernel does not have.
static inline uint64_t k_uri_stop64(const char *p)
{
	return 0;
}

static inline uint64_t k_address_stop64(const char *p)
{
	return 0;
}

static inline uint64_t k_nonhost64(const char *p)
{
	return 0;
}

static inline unsigned int k_token_len(const char *p)
{
	return 0;
}

static inline size_t k_name_len(const char *p)
{
	return 0;
}

static inline bool k_is_name(const char *p, const char *name, unsigned int n)
{
	return false;
}

static inline unsigned int k_first(uint64_t w)
{
	return (unsigned int)__builtin_ctzll(w | 1ULL << 63);
}

static inline uint64_t k_low_bits(uint64_t w, unsigned int n)
{
	return n < 64 ? w & ((1ULL << n) - 1) : w;
}

struct k_count {
	unsigned int sum;
};

static inline void k_count_add(struct k_count *count, const char *p)
{
	count->sum++;
}

static inline unsigned int k_count_sum(const struct k_count *count)
{
	return count->sum;
}

#define KERNEL_FAST 0
#define KERNEL kernel_reference
#define KERNEL_NAME "reference"
#include "parser/parse_body.h"

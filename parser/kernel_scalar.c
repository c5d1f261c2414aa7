// SPDX-License-Identifier: BSD-3-Clause
// No instruction set assumed: eight octets in a word of 64 bits.
#include "parser/parse_words.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the parser reads words as little-endian"
#endif

#define ONES 0x0101010101010101ULL
#define HIGH 0x8080808080808080ULL

// The high bits of the octets of w, as 8 bits.
static inline uint64_t pack(uint64_t w)
{
	return (w & HIGH) * 0x0002040810204081ULL >> 56;
}

// High bit set in each octet of w that is 0; no carry goes from one octet to the next.
static inline uint64_t zeros(uint64_t w)
{
	return ~(((w & ~HIGH) + ~HIGH) | w);
}

// ... that is less than n, n up to 0x80.
static inline uint64_t below(uint64_t w, unsigned int n)
{
	return ~(((w & ~HIGH) + (0x80 - n) * ONES) | w) & HIGH;
}

static inline uint64_t k_eq64(const char *p, char c)
{
	uint64_t mask = 0;

	for (unsigned int i = 0; i < 64; i += 8)
		mask |= pack(zeros(load64(p + i) ^ (unsigned char)c * ONES)) << i;
	return mask;
}

static inline uint64_t k_control64(const char *p)
{
	uint64_t mask = 0;

	for (unsigned int i = 0; i < 64; i += 8)
		mask |= pack(below(load64(p + i), 0x20)) << i;
	return mask;
}

static inline uint64_t k_space64(const char *p)
{
	uint64_t mask = 0;

	for (unsigned int i = 0; i < 64; i += 8)
		mask |= pack(below(load64(p + i), 0x21)) << i;
	return mask;
}

// Controls, SP, DEL, quote and angle brackets; '<' and '>' differ in one bit.
static inline uint64_t delimiters(uint64_t w)
{
	return below(w, 0x21) | zeros(w ^ 0x7f * ONES) | zeros(w ^ '"' * ONES) |
		zeros((w | 2 * ONES) ^ '>' * ONES);
}

static inline uint64_t k_uri_stop64(const char *p)
{
	uint64_t mask = 0;

	for (unsigned int i = 0; i < 64; i += 8)
		mask |= pack(delimiters(load64(p + i)) | zeros(load64(p + i) ^ '?' * ONES)) << i;
	return mask;
}

static inline uint64_t k_address_stop64(const char *p)
{
	uint64_t mask = 0;

	for (unsigned int i = 0; i < 64; i += 8)
		mask |= pack(delimiters(load64(p + i)) | zeros(load64(p + i) ^ ',' * ONES) |
				zeros(load64(p + i) ^ ';' * ONES))
			<< i;
	return mask;
}

#include "parser/internal.h"

static inline unsigned int k_token_len(const char *p)
{
	unsigned int i = 0;

	while (i < 32 && char_is(p[i], CH_TOKEN))
		i++;
	return i;
}

static inline size_t k_name_len(const char *p)
{
	unsigned int i = 1;

	while (i < 32 && p[i - 1] != ':')
		i++;
	return i;
}

static inline uint64_t k_nonhost64(const char *p)
{
	uint64_t mask = 0;

	for (unsigned int i = 0; i < 64; i++)
		mask |= (uint64_t)!char_is(p[i], CH_HOST) << i;
	return mask;
}

static inline bool k_is_name(const char *p, const char *name, unsigned int n)
{
	for (unsigned int i = 0; i < n; i += 8) {
		uint64_t differ = (load64(p + i) | 0x20 * ONES) ^ load64(name + i);

		if (differ != 0)
			return i + (unsigned int)__builtin_ctzll(differ) / 8 >= n;
	}
	return true;
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
	for (unsigned int i = 0; i < 64; i += 8)
		count->sum += (unsigned int)__builtin_popcountll(below(load64(p + i), 0x20));
}

static inline unsigned int k_count_sum(const struct k_count *count)
{
	return count->sum;
}

#define KERNEL sip_kernel_scalar
#define KERNEL_NAME "scalar"
#include "parser/parse_body.h"

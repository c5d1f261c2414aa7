// SPDX-License-Identifier: BSD-3-Clause
// AArch64: 16 octets, and tbl. There is no movemask; the bits of 64 octets are gathered by pairwise
// addition, which costs little when four vectors share it.
#include "parser/kernel_sets.h"
#include "parser/parse_words.h"

#include <arm_neon.h>
#include <stdbool.h>
#include <stdint.h>

#define NIBBLES(...) ((uint8x16_t){__VA_ARGS__})

struct v64 {
	uint8x16_t v[4];
};

static inline struct v64 load512(const char *p)
{
	const uint8_t *o = (const uint8_t *)p;

	return (struct v64){{vld1q_u8(o), vld1q_u8(o + 16), vld1q_u8(o + 32), vld1q_u8(o + 48)}};
}

// Octets of 0 or 0xff to 64 bits.
static inline uint64_t mask64(struct v64 m)
{
	const uint8x16_t bits = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
	uint8x16_t low = vpaddq_u8(vandq_u8(m.v[0], bits), vandq_u8(m.v[1], bits));
	uint8x16_t high = vpaddq_u8(vandq_u8(m.v[2], bits), vandq_u8(m.v[3], bits));
	uint8x16_t all = vpaddq_u8(low, high);

	all = vpaddq_u8(all, all);
	return vgetq_lane_u64(vreinterpretq_u64_u8(all), 0);
}

static inline uint64_t k_eq64(const char *p, char c)
{
	struct v64 v = load512(p);

	for (int i = 0; i < 4; i++)
		v.v[i] = vceqq_u8(v.v[i], vdupq_n_u8((uint8_t)c));
	return mask64(v);
}

static inline uint64_t at_most64(const char *p, uint8_t limit)
{
	struct v64 v = load512(p);

	for (int i = 0; i < 4; i++)
		v.v[i] = vcleq_u8(v.v[i], vdupq_n_u8(limit));
	return mask64(v);
}

static inline uint64_t k_control64(const char *p)
{
	return at_most64(p, 0x1f);
}

static inline uint64_t k_space64(const char *p)
{
	return at_most64(p, 0x20);
}

// See kernel_avx2.c. Columns are looked up by the high nibble, of which 8 to 15 have none.
static inline uint8x16_t members(uint8x16_t v, uint8x16_t rows, uint8x16_t columns)
{
	return vtstq_u8(vqtbl1q_u8(rows, vandq_u8(v, vdupq_n_u8(0x0f))),
		vqtbl1q_u8(columns, vshrq_n_u8(v, 4)));
}

static inline uint64_t inside64(const char *p, uint8x16_t rows, uint8x16_t columns)
{
	struct v64 v = load512(p);

	for (int i = 0; i < 4; i++)
		v.v[i] = members(v.v[i], rows, columns);
	return mask64(v);
}

static inline uint64_t k_uri_stop64(const char *p)
{
	return inside64(p, ROWS_URI_STOP, COLUMNS_URI_STOP);
}

static inline uint64_t k_address_stop64(const char *p)
{
	return inside64(p, ROWS_ADDRESS_STOP, COLUMNS_ADDRESS_STOP);
}

static inline uint64_t k_nonhost64(const char *p)
{
	return ~inside64(p, ROWS_HOST, COLUMNS_HOST);
}

// Four bits an octet, 32 octets: enough for a first difference.
static inline uint64_t nibbles(uint8x16_t m)
{
	return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(m), 4)), 0);
}

static inline unsigned int first_zero32(uint8x16_t low, uint8x16_t high)
{
	uint64_t l = ~nibbles(low), h = ~nibbles(high);

	if (l != 0)
		return (unsigned int)__builtin_ctzll(l) / 4;
	return h != 0 ? 16 + (unsigned int)__builtin_ctzll(h) / 4 : 32;
}

static inline unsigned int k_token_len(const char *p)
{
	const uint8_t *o = (const uint8_t *)p;

	return first_zero32(members(vld1q_u8(o), ROWS_TOKEN, COLUMNS_TOKEN),
		members(vld1q_u8(o + 16), ROWS_TOKEN, COLUMNS_TOKEN));
}

static inline uint8x16_t no_colon(const char *p)
{
	return vmvnq_u8(vceqq_u8(vld1q_u8((const uint8_t *)p), vdupq_n_u8(':')));
}

static inline size_t k_name_len(const char *p)
{
	return first_zero32(no_colon(p - 1), no_colon(p + 15));
}

static inline uint8x16_t same_letters(const char *p, const char *name)
{
	return vceqq_u8(vorrq_u8(vld1q_u8((const uint8_t *)p), vdupq_n_u8(0x20)),
		vld1q_u8((const uint8_t *)name));
}

static inline bool k_is_name(const char *p, const char *name, unsigned int n)
{
	return first_zero32(same_letters(p, name), same_letters(p + 16, name + 16)) >= n;
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
	uint8x16_t lanes[2];
};

static inline void k_count_add(struct k_count *count, const char *p)
{
	struct v64 v = load512(p);

	for (int i = 0; i < 4; i++)
		count->lanes[i & 1] =
			vsubq_u8(count->lanes[i & 1], vcleq_u8(v.v[i], vdupq_n_u8(0x1f)));
}

static inline unsigned int k_count_sum(const struct k_count *count)
{
	return (unsigned int)vaddlvq_u8(count->lanes[0]) + vaddlvq_u8(count->lanes[1]);
}

#define KERNEL sip_kernel_neon
#define KERNEL_NAME "neon"
#include "parser/parse_body.h"

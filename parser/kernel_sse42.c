// SPDX-License-Identifier: BSD-3-Clause
// x86-64-v2: 16 octets, and pshufb. SSE4.2's string instructions are not used; comparing and
// movemask is faster.
#include "parser/kernel_sets.h"

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define NIBBLES(...) _mm_setr_epi8(__VA_ARGS__)

static inline __m128i load128(const char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline uint64_t mask128(__m128i v)
{
	return (uint64_t)(uint32_t)_mm_movemask_epi8(v);
}

static inline uint64_t k_eq64(const char *p, char c)
{
	__m128i v = _mm_set1_epi8(c);

	return mask128(_mm_cmpeq_epi8(load128(p), v)) |
		mask128(_mm_cmpeq_epi8(load128(p + 16), v)) << 16 |
		mask128(_mm_cmpeq_epi8(load128(p + 32), v)) << 32 |
		mask128(_mm_cmpeq_epi8(load128(p + 48), v)) << 48;
}

static inline __m128i at_most(const char *p, char limit)
{
	__m128i v = load128(p);

	return _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(limit)), v);
}

static inline uint64_t at_most64(const char *p, char limit)
{
	return mask128(at_most(p, limit)) | mask128(at_most(p + 16, limit)) << 16 |
		mask128(at_most(p + 32, limit)) << 32 | mask128(at_most(p + 48, limit)) << 48;
}

static inline uint64_t k_control64(const char *p)
{
	return at_most64(p, 0x1f);
}

static inline uint64_t k_space64(const char *p)
{
	return at_most64(p, 0x20);
}

// See kernel_avx2.c.
static inline uint64_t outside(const char *p, __m128i rows, __m128i columns)
{
	__m128i v = load128(p);
	__m128i high = _mm_and_si128(_mm_srli_epi16(v, 4), _mm_set1_epi8(0x0f));
	__m128i in = _mm_and_si128(_mm_shuffle_epi8(rows, v), _mm_shuffle_epi8(columns, high));

	return mask128(_mm_cmpeq_epi8(in, _mm_setzero_si128()));
}

static inline uint64_t outside64(const char *p, __m128i rows, __m128i columns)
{
	return outside(p, rows, columns) | outside(p + 16, rows, columns) << 16 |
		outside(p + 32, rows, columns) << 32 | outside(p + 48, rows, columns) << 48;
}

static inline uint64_t k_uri_stop64(const char *p)
{
	return ~outside64(p, ROWS_URI_STOP, COLUMNS_URI_STOP);
}

static inline uint64_t k_address_stop64(const char *p)
{
	return ~outside64(p, ROWS_ADDRESS_STOP, COLUMNS_ADDRESS_STOP);
}

static inline uint64_t k_nonhost64(const char *p)
{
	return outside64(p, ROWS_HOST, COLUMNS_HOST);
}

static inline unsigned int k_token_len(const char *p)
{
	uint64_t mask = outside(p, ROWS_TOKEN, COLUMNS_TOKEN) |
		outside(p + 16, ROWS_TOKEN, COLUMNS_TOKEN) << 16;

	return (unsigned int)__builtin_ctzll(mask | 1ULL << 32);
}

static inline size_t k_name_len(const char *p)
{
	__m128i colon = _mm_set1_epi8(':');
	uint64_t mask = mask128(_mm_cmpeq_epi8(load128(p - 1), colon)) |
		mask128(_mm_cmpeq_epi8(load128(p + 15), colon)) << 16;

	return (size_t)__builtin_ctzll(mask | 1ULL << 32);
}

static inline uint32_t differ(const char *p, const char *name)
{
	__m128i v = _mm_or_si128(load128(p), _mm_set1_epi8(0x20));
	__m128i known = _mm_load_si128((const __m128i *)(const void *)name);

	return (uint32_t)mask128(_mm_cmpeq_epi8(v, known)) ^ 0xffff;
}

static inline bool k_is_name(const char *p, const char *name, unsigned int n)
{
	return (unsigned int)__builtin_ctzll(differ(p, name) |
		       (uint64_t)differ(p + 16, name + 16) << 16 | 1ULL << 32) >= n;
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
	__m128i lanes[2];
};

static inline void k_count_add(struct k_count *count, const char *p)
{
	count->lanes[0] = _mm_sub_epi8(count->lanes[0], at_most(p, 0x1f));
	count->lanes[1] = _mm_sub_epi8(count->lanes[1], at_most(p + 16, 0x1f));
	count->lanes[0] = _mm_sub_epi8(count->lanes[0], at_most(p + 32, 0x1f));
	count->lanes[1] = _mm_sub_epi8(count->lanes[1], at_most(p + 48, 0x1f));
}

static inline unsigned int k_count_sum(const struct k_count *count)
{
	__m128i sums = _mm_add_epi64(_mm_sad_epu8(count->lanes[0], _mm_setzero_si128()),
		_mm_sad_epu8(count->lanes[1], _mm_setzero_si128()));

	return (unsigned int)(_mm_cvtsi128_si64(sums) + _mm_extract_epi64(sums, 1));
}

#define KERNEL sip_kernel_sse42
#define KERNEL_NAME "sse4.2"
#include "parser/parse_body.h"

// SPDX-License-Identifier: BSD-3-Clause
#include "parser/kernel_sets.h"

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define NIBBLES(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)

// A vector of one octet. In memory and not seen through: as an immediate, the compiler makes it
// anew with three instructions wherever it is used.
#define REPEAT(c)                                                                                \
	{                                                                                        \
		c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, \
			c, c, c, c, c                                                            \
	}
static const uint8_t low_nibbles[32] __attribute__((aligned(32))) = REPEAT(0x0f);
static const uint8_t letter_case[32] __attribute__((aligned(32))) = REPEAT(0x20);

static inline __m256i constant(const uint8_t *octets)
{
	__m256i v;

	__asm__("vmovdqa %1, %0" : "=x"(v) : "m"(*(const __m256i *)(const void *)octets));
	return v;
}

static inline __m256i load256(const char *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

static inline uint32_t mask256(__m256i v)
{
	return (uint32_t)_mm256_movemask_epi8(v);
}

static inline uint64_t join(__m256i low, __m256i high)
{
	return mask256(low) | (uint64_t)mask256(high) << 32;
}

static inline uint64_t k_eq64(const char *p, char c)
{
	__m256i v = _mm256_set1_epi8(c);

	return join(_mm256_cmpeq_epi8(load256(p), v), _mm256_cmpeq_epi8(load256(p + 32), v));
}

static inline __m256i at_most(const char *p, char limit)
{
	__m256i v = load256(p);

	return _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(limit)), v);
}

static inline uint64_t k_control64(const char *p)
{
	return join(at_most(p, 0x1f), at_most(p + 32, 0x1f));
}

static inline uint64_t k_space64(const char *p)
{
	return join(at_most(p, 0x20), at_most(p + 32, 0x20));
}

// Which octets are in a set, by nibble: the high nibble picks columns, the low nibble a row that
// says in which columns it is a member. Not in the set: 0. Octets from 0x80 on: 0, by how pshufb
// works.
static inline __m256i members(__m256i v, __m256i rows, __m256i columns)
{
	__m256i high = _mm256_and_si256(_mm256_srli_epi16(v, 4), constant(low_nibbles));

	return _mm256_and_si256(_mm256_shuffle_epi8(rows, v), _mm256_shuffle_epi8(columns, high));
}

static inline uint32_t outside(const char *p, __m256i rows, __m256i columns)
{
	__m256i in = members(load256(p), rows, columns);

	return mask256(_mm256_cmpeq_epi8(in, _mm256_setzero_si256()));
}

static inline uint64_t outside64(const char *p, __m256i rows, __m256i columns)
{
	return outside(p, rows, columns) | (uint64_t)outside(p + 32, rows, columns) << 32;
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
	return _tzcnt_u32(outside(p, ROWS_TOKEN, COLUMNS_TOKEN));
}

static inline size_t k_name_len(const char *p)
{
	return _tzcnt_u32(mask256(_mm256_cmpeq_epi8(load256(p - 1), _mm256_set1_epi8(':'))));
}

static inline bool k_is_name(const char *p, const char *name, unsigned int n)
{
	__m256i v = _mm256_or_si256(load256(p), constant(letter_case));
	__m256i known = _mm256_load_si256((const __m256i *)(const void *)name);

	return _bzhi_u32(~mask256(_mm256_cmpeq_epi8(v, known)), n) == 0;
}

static inline unsigned int k_first(uint64_t w)
{
	return (unsigned int)_tzcnt_u64(w);
}

static inline uint64_t k_low_bits(uint64_t w, unsigned int n)
{
	return _bzhi_u64(w, n);
}

struct k_count {
	__m256i lanes;
};

static inline void k_count_add(struct k_count *count, const char *p)
{
	count->lanes = _mm256_sub_epi8(count->lanes, at_most(p, 0x1f));
	count->lanes = _mm256_sub_epi8(count->lanes, at_most(p + 32, 0x1f));
}

static inline unsigned int k_count_sum(const struct k_count *count)
{
	__m256i sums = _mm256_sad_epu8(count->lanes, _mm256_setzero_si256());
	__m128i two =
		_mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));

	return (unsigned int)(_mm_cvtsi128_si64(two) + _mm_extract_epi64(two, 1));
}

#define KERNEL sip_kernel_avx2
#define KERNEL_NAME "avx2"
#include "parser/parse_body.h"

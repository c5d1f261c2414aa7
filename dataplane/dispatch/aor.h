// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_AOR_H
#define DISPATCH_AOR_H

#include "parser/load.h"
#include "parser/sip_msg.h"
#ifdef __AVX2__
#include <immintrin.h>
#endif

// An address of record as it is hashed, "user@host" with the host in lower case, nearly always
// stands in a Request-URI just so. Then nothing need be taken apart or copied.

#define AOR_AT 4 // behind "sip:"
#define AOR_MAX 64

// What octets of an AoR are, a bit each.
struct aor_octets {
	uint64_t at; // '@'
	uint64_t host; // a-z 0-9 . -
	uint64_t user; // these, A-Z _ and +
};

#if defined(__AVX512BW__)
static inline uint64_t aor_between(__m512i x, char first, char last)
{
	return _mm512_cmple_epu8_mask(_mm512_sub_epi8(x, _mm512_set1_epi8(first)),
		_mm512_set1_epi8((char)(last - first)));
}

static inline uint64_t aor_equal(__m512i x, char octet)
{
	return _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8(octet));
}

static inline struct aor_octets aor_octets(const char *p)
{
	__m512i x = _mm512_loadu_si512(p);
	struct aor_octets is = {.at = aor_equal(x, '@')};

	is.host = aor_between(x, 'a', 'z') | aor_between(x, '-', '.') | aor_between(x, '0', '9');
	is.user = is.host | aor_between(x, 'A', 'Z') | aor_equal(x, '_') | aor_equal(x, '+');
	return is;
}
#elif defined(__AVX2__)
// Octets from 0x80 on are negative, and between nothing.
static inline __m256i aor_between(__m256i x, char first, char last)
{
	return _mm256_and_si256(_mm256_cmpgt_epi8(x, _mm256_set1_epi8((char)(first - 1))),
		_mm256_cmpgt_epi8(_mm256_set1_epi8((char)(last + 1)), x));
}

static inline uint64_t aor_mask(__m256i low, __m256i high)
{
	return (uint32_t)_mm256_movemask_epi8(low) |
		(uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

static inline struct aor_octets aor_octets(const char *p)
{
	__m256i at[2], host[2], user[2];

	for (unsigned int i = 0; i < 2; i++) {
		__m256i x = _mm256_loadu_si256((const __m256i *)(p + 32 * i));

		at[i] = _mm256_cmpeq_epi8(x, _mm256_set1_epi8('@'));
		host[i] = _mm256_or_si256(
			_mm256_or_si256(aor_between(x, 'a', 'z'), aor_between(x, '-', '.')),
			aor_between(x, '0', '9'));
		user[i] = _mm256_or_si256(_mm256_or_si256(host[i], aor_between(x, 'A', 'Z')),
			_mm256_or_si256(_mm256_cmpeq_epi8(x, _mm256_set1_epi8('_')),
				_mm256_cmpeq_epi8(x, _mm256_set1_epi8('+'))));
	}
	return (struct aor_octets){
		aor_mask(at[0], at[1]), aor_mask(host[0], host[1]), aor_mask(user[0], user[1])};
}
#else
static inline struct aor_octets aor_octets(const char *p)
{
	(void)p;
	return (struct aor_octets){0};
}
#endif

// How many octets of AoR stand behind "sip:", if the URI is nothing but that and the AoR is written
// as it is hashed. 0: sip_uri_parse() shall say. Reads AOR_MAX octets from there.
static inline uint32_t aor_in_place(const struct sip_msg *msg, struct sip_slice uri)
{
	const char *p = msg->buf + uri.off;
	uint32_t len = (uint32_t)uri.len - AOR_AT;
	struct aor_octets is;
	uint64_t all, user;

	if (len - 3 > AOR_MAX - 3 || (load32(p) | 0x202020) != load32("sip:"))
		return 0;
	is = aor_octets(p + AOR_AT);
	all = UINT64_MAX >> (64 - len);
	is.at &= all;
	user = is.at - 1;
	// One '@', and on both sides something that stands for nothing else.
	if (is.at == 0 || (is.at & user) != 0 || (user & ~is.user) != 0 || user == 0 ||
		(all & ~(user | is.at) & ~is.host) != 0 || is.at >> (len - 1) != 0)
		return 0;
	return len;
}

#endif

// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_TOKEN_INLINE_H
#define DISPATCH_TOKEN_INLINE_H

#include "dataplane/dispatch/base32.h"
#include "dataplane/dispatch/hash_jobs.h"
#include "dataplane/dispatch/token.h"

// The layout of tokens, and the parts of writing them that every message passes.

// Every token is <kind> <key id> <groups of eight base32 characters>. The kind says what is in it
// and enters the tag, so that one kind never passes for another.
enum token_kind {
	KIND_BRANCH = 'b',
	KIND_BRANCH_2543 = 'c', // the sender's branch has no magic cookie
	KIND_PROBE = 'o',
	KIND_PATH_4 = 'p',
	KIND_PATH_6 = 'q',
	KIND_ROUTE_4 = 'r',
	KIND_ROUTE_6 = 's',
};

enum {
	BRANCH_GROUPS = 3,
	BRANCH_2543_GROUPS = 4,
	PROBE_GROUPS = 4,
	PATH_4_GROUPS = 4,
	PATH_6_GROUPS = 6,
	ROUTE_4_GROUPS = 5,
	ROUTE_6_GROUPS = 7,
	WORDS_MAX = 8, // five at most have something in them; vectors write all
};

#define COOKIE "z9hG4bK"
#define COOKIE_LEN 7

_Static_assert(COOKIE_LEN + 2 + 8 * (ROUTE_6_GROUPS + 1) <= TOKEN_TEXT_MAX,
	"a token fits its buffer, and what is scribbled behind it");

// Groups are written from words[0] on, most significant bit first, with up to a group scribbled
// beyond them; and read into words[], which are 0 before.
#ifdef __AVX512VBMI__
static inline __attribute__((always_inline)) void put_groups(
	char *out, const uint64_t words[WORDS_MAX], unsigned int groups)
{
	base32_put_all(out, words, groups);
}

static inline __attribute__((always_inline)) bool get_groups(
	const char *in, uint64_t words[WORDS_MAX], unsigned int groups)
{
	return base32_get_all(in, words, groups);
}
#else
// Groups that are written and read at once, where the processor can: at least three.
#ifdef __AVX2__
#define AT_ONCE 4
#else
#define AT_ONCE 0
#define base32_put_4(out, words) ((void)(out))
#define base32_get_4(in, groups) ((void)(in), 0u)
#endif

static inline __attribute__((always_inline)) void put_groups(
	char *out, const uint64_t words[WORDS_MAX], unsigned int groups)
{
	if (AT_ONCE > 0)
		base32_put_4(out, words);
	DISPATCH_UNROLL
	for (unsigned int i = AT_ONCE; i < groups; i++) {
		unsigned int word = 40 * i / 64, bit = 40 * i % 64;
		uint64_t bits = words[word] << bit;

		if (bit > 24)
			bits |= words[word + 1] >> (64 - bit);
		base32_put(out + 8 * i, bits >> 24);
	}
}

// May read, not look at, a group more.
static inline __attribute__((always_inline)) bool get_groups(
	const char *in, uint64_t *words, unsigned int groups)
{
	uint64_t first[AT_ONCE + 1];
	bool good = true;

	if (AT_ONCE > 0)
		good = (~base32_get_4(in, first) & (groups < 4 ? 0xffffffu : 0xffffffffu)) == 0;
	DISPATCH_UNROLL
	for (unsigned int i = 0; i < groups; i++) {
		unsigned int word = 40 * i / 64, bit = 40 * i % 64;
		uint64_t bits = 0;

		if ((int)i < AT_ONCE)
			bits = first[i];
		else
			good &= base32_get(in + 8 * i, &bits);
		bits <<= 24;
		words[word] |= bits >> bit;
		if (bit > 24)
			words[word + 1] |= bits << (64 - bit);
	}
	return good;
}
#endif

static inline uint64_t load_be(const uint8_t *octets)
{
	return __builtin_bswap64(load64(octets));
}

static inline uint64_t ipv4_bits(const struct ip_addr *ip)
{
	// Not all eight octets: the four may just have been stored, by themselves.
	return __builtin_bswap32(load32(ip->octets));
}

static inline bool has_cookie(struct strv branch)
{
	if (branch.len <= COOKIE_LEN)
		return false;
	// Eight octets at once, in any case. A branch is a token, without the control octets that
	// would fold onto '9' and '4'.
	return ((load64(branch.ptr) | UINT64_C(0x20202020202020)) << 8) == (load64("z9hg4bk") << 8);
}

static inline uint64_t branch_bits(const struct branch_token *token)
{
	return (uint64_t)token->listener_id << 32 | token->backend_id;
}

static inline uint64_t route_bits(const struct route_token *token)
{
	return (uint64_t)token->backend_id << 32 | (uint64_t)token->client_listener_id << 16 |
		token->backend_listener_id;
}

// What tag_begin() takes in, as words of a job. Returns their octets.
static inline unsigned int job_begin(struct hash_jobs *jobs, unsigned int lane,
	enum token_kind kind, const struct endpoint *ep, uint64_t bits)
{
	uint64_t first = (uint64_t)kind << 56 | (uint64_t)ep->port << 32;

	jobs->head[0][lane] = bits;
	if (ep->ip.family != 6) {
		jobs->head[1][lane] = first | ipv4_bits(&ep->ip);
		return 16;
	}
	jobs->some |= 1u << lane;
	jobs->head[1][lane] = first | UINT64_C(1) << 63;
	jobs->head[2][lane] = load_be(ep->ip.octets);
	jobs->head[3][lane] = load_be(ep->ip.octets + 8);
	return 32;
}

// Jobs of one of these kinds.
static inline void branch_tag_jobs_init(struct hash_jobs *jobs)
{
	hash_jobs_init(jobs, 4);
}

static inline void route_tag_jobs_init(struct hash_jobs *jobs)
{
	hash_jobs_init(jobs, 5);
}

static inline bool branch_tag_job(struct hash_jobs *jobs, const struct snapshot_key *key,
	const struct branch_token *token, struct strv sender_branch, const struct endpoint *target,
	uint64_t *tag)
{
	unsigned int lane;

	if (!has_cookie(sender_branch) || sender_branch.len > HASH_JOB_DATA_MAX)
		return false;
	lane = hash_job_add(jobs, key->key, tag);
	hash_job_end(jobs, job_begin(jobs, lane, KIND_BRANCH, target, branch_bits(token)),
		sender_branch.ptr, (uint32_t)sender_branch.len);
	return true;
}

static inline unsigned int branch_token_sign(const struct snapshot_key *key,
	const struct branch_token *token, uint64_t tag, char out[TOKEN_TEXT_MAX])
{
	const uint64_t words[WORDS_MAX] = {branch_bits(token) << 16 | tag >> 48, tag << 16};

	memcpy(out, COOKIE, COOKIE_LEN);
	out[COOKIE_LEN] = KIND_BRANCH;
	out[COOKIE_LEN + 1] = key->id;
	put_groups(out + COOKIE_LEN + 2, words, BRANCH_GROUPS);
	return COOKIE_LEN + 2 + 8 * BRANCH_GROUPS;
}

static inline void route_tag_job(struct hash_jobs *jobs, const struct snapshot_key *key,
	const struct route_token *token, uint64_t call_digest, uint64_t *tag)
{
	unsigned int lane = hash_job_add(jobs, key->key, tag);
	unsigned int before = job_begin(jobs, lane, KIND_ROUTE_4, &token->flow, route_bits(token));

	jobs->head[4][lane] = call_digest;
	hash_job_end_words(jobs, before + 8);
}

static inline unsigned int route_token_sign(const struct snapshot_key *key,
	const struct route_token *token, uint64_t tag, char out[TOKEN_TEXT_MAX])
{
	uint64_t words[WORDS_MAX] = {route_bits(token)};
	uint64_t port = (uint64_t)token->flow.port << 48;

	out[1] = key->id;
	if (token->flow.ip.family == 6) {
		words[1] = load_be(token->flow.ip.octets);
		words[2] = load_be(token->flow.ip.octets + 8);
		words[3] = port | tag >> 16;
		words[4] = tag << 48;
		out[0] = KIND_ROUTE_6;
		put_groups(out + 2, words, ROUTE_6_GROUPS);
		return 2 + 8 * ROUTE_6_GROUPS;
	}
	words[1] = port | ipv4_bits(&token->flow.ip) << 16 | tag >> 48;
	words[2] = tag << 16;
	out[0] = KIND_ROUTE_4;
	put_groups(out + 2, words, ROUTE_4_GROUPS);
	return 2 + 8 * ROUTE_4_GROUPS;
}

#endif

// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_TXN_CACHE_INLINE_H
#define DISPATCH_TXN_CACHE_INLINE_H

#include <errno.h>

#include "dataplane/dispatch/siphash_inline.h"
#include "dataplane/dispatch/txn_cache.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

// What txn_cache.h declares, without calls, for what every message passes.

#define BUCKET_ENTRIES 4
#define TICK_SHIFT 8 // expiries count 256 ms: 31 bits last for 17 years of uptime

// Four entries, each field of all four together.
struct txn_bucket {
	uint32_t signature[BUCKET_ENTRIES];
	uint32_t expiry[BUCKET_ENTRIES]; // tick; 0: never used
	uint32_t backend_id[BUCKET_ENTRIES];
	char key_id[BUCKET_ENTRIES];
	uint8_t pad[12];
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct txn_bucket) == 64, "one lookup, one cache line");

struct txn_cache {
	uint64_t key;
	uint64_t mask; // buckets - 1
	struct txn_counts counts;
	struct txn_bucket buckets[] __attribute__((aligned(64)));
};

static inline uint64_t txn_hash(
	const struct txn_cache *cache, uint64_t call_digest, uint32_t cseq, uint32_t passage)
{
	// The digest is keyed already; what is left is to spread the CSeq numbers of one dialog.
	uint64_t x = call_digest ^ cache->key;

	x += ((uint64_t)passage << 32 | cseq) * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 32;
}

static inline const struct txn_bucket *txn_bucket_of(const struct txn_cache *cache, uint64_t hash)
{
	return &cache->buckets[hash & cache->mask];
}

static inline void txn_prefetch(const struct txn_cache *cache, uint64_t hash)
{
	__builtin_prefetch(txn_bucket_of(cache, hash));
}

// Which entries are alive, and which of them have this signature, a bit each.
#ifdef __SSE2__
static inline unsigned int txn_look(
	const struct txn_bucket *b, uint32_t signature, uint32_t now, unsigned int *live)
{
	__m128i signatures = _mm_load_si128((const __m128i *)b->signature);
	__m128i expiries = _mm_load_si128((const __m128i *)b->expiry);
	__m128i alive = _mm_cmpgt_epi32(expiries, _mm_set1_epi32((int)now));
	__m128i same = _mm_cmpeq_epi32(signatures, _mm_set1_epi32((int)signature));

	*live = (unsigned int)_mm_movemask_ps(_mm_castsi128_ps(alive));
	return *live & (unsigned int)_mm_movemask_ps(_mm_castsi128_ps(same));
}
#else
static inline unsigned int txn_look(
	const struct txn_bucket *b, uint32_t signature, uint32_t now, unsigned int *live)
{
	unsigned int found = 0;

	*live = 0;
	for (unsigned int i = 0; i < BUCKET_ENTRIES; i++) {
		unsigned int alive = b->expiry[i] > now;

		*live |= alive << i;
		found |= (alive & (b->signature[i] == signature)) << i;
	}
	return found;
}
#endif

static inline int txn_get(
	struct txn_cache *cache, uint64_t hash, uint64_t now_ms, struct txn_hit *hit)
{
	const struct txn_bucket *b = txn_bucket_of(cache, hash);
	unsigned int live, i,
		found = txn_look(
			b, (uint32_t)(hash >> 32), (uint32_t)(now_ms >> TICK_SHIFT), &live);

	if (found == 0) {
		cache->counts.misses++;
		return -ENOENT;
	}
	i = (unsigned int)__builtin_ctz(found);
	hit->backend_id = b->backend_id[i];
	hit->key_id = b->key_id[i];
	cache->counts.hits++;
	return 0;
}

static inline int txn_put(struct txn_cache *cache, uint64_t hash, uint64_t now_ms, uint32_t ttl_ms,
	struct txn_hit hit)
{
	struct txn_bucket *b = &cache->buckets[hash & cache->mask];
	uint32_t signature = (uint32_t)(hash >> 32);
	unsigned int live, i,
		found = txn_look(b, signature, (uint32_t)(now_ms >> TICK_SHIFT), &live);

	if (found == 0)
		found = ~live & ((1u << BUCKET_ENTRIES) - 1);
	if (found == 0) {
		cache->counts.full++;
		return -ENOSPC;
	}
	i = (unsigned int)__builtin_ctz(found);
	b->signature[i] = signature;
	b->expiry[i] = (uint32_t)((now_ms + ttl_ms) >> TICK_SHIFT) + 1;
	b->backend_id[i] = hit.backend_id;
	b->key_id[i] = hit.key_id;
	return 0;
}

#endif

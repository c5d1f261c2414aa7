// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/txn_cache_inline.h"

#include <string.h>

size_t txn_cache_size(uint32_t entries)
{
	return sizeof(struct txn_cache) + entries / BUCKET_ENTRIES * sizeof(struct txn_bucket);
}

struct txn_cache *txn_cache_init(void *memory, uint32_t entries, const uint8_t key[16])
{
	struct txn_cache *cache = memory;

	memset(memory, 0, txn_cache_size(entries));
	cache->key = load64(key) ^ load64(key + 8);
	cache->mask = entries / BUCKET_ENTRIES - 1;
	return cache;
}

uint64_t txn_cache_hash(
	const struct txn_cache *cache, uint64_t call_digest, uint32_t cseq, uint32_t passage)
{
	return txn_hash(cache, call_digest, cseq, passage);
}

void txn_cache_prefetch(const struct txn_cache *cache, uint64_t hash)
{
	txn_prefetch(cache, hash);
}

int txn_cache_get(struct txn_cache *cache, uint64_t hash, uint64_t now_ms, struct txn_hit *hit)
{
	return txn_get(cache, hash, now_ms, hit);
}

int txn_cache_put(struct txn_cache *cache, uint64_t hash, uint64_t now_ms, uint32_t ttl_ms,
	struct txn_hit hit)
{
	return txn_put(cache, hash, now_ms, ttl_ms, hit);
}

struct txn_counts txn_cache_counts(const struct txn_cache *cache)
{
	return cache->counts;
}

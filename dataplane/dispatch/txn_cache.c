// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/txn_cache.h"

#include <errno.h>
#include <string.h>

#include "dataplane/dispatch/siphash_inline.h"

#define BUCKET_ENTRIES 4
#define TICK_SHIFT 8 // expiries count 256 ms: 32 bits last for 34 years of uptime

struct entry {
	uint32_t signature;
	uint32_t expiry; // tick; 0: never used
	uint32_t backend_id;
	char key_id;
	uint8_t pad[3];
};

struct bucket {
	struct entry entries[BUCKET_ENTRIES];
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct bucket) == 64, "one lookup, one cache line");

struct txn_cache {
	uint64_t key;
	uint64_t mask; // buckets - 1
	struct txn_counts counts;
	struct bucket buckets[] __attribute__((aligned(64)));
};

size_t txn_cache_size(uint32_t entries)
{
	return sizeof(struct txn_cache) + (size_t)entries * sizeof(struct entry);
}

struct txn_cache *txn_cache_init(void *memory, uint32_t entries, const uint8_t key[16])
{
	struct txn_cache *cache = memory;

	memset(memory, 0, txn_cache_size(entries));
	cache->key = siphash_load(key) ^ siphash_load(key + 8);
	cache->mask = entries / BUCKET_ENTRIES - 1;
	return cache;
}

uint64_t txn_cache_hash(
	const struct txn_cache *cache, uint64_t call_digest, uint32_t cseq, uint32_t passage)
{
	// The digest is keyed already; what is left is to spread the CSeq numbers of one dialog.
	uint64_t x = call_digest ^ cache->key;

	x += ((uint64_t)passage << 32 | cseq) * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 32;
}

static const struct bucket *bucket_of(const struct txn_cache *cache, uint64_t hash)
{
	return &cache->buckets[hash & cache->mask];
}

void txn_cache_prefetch(const struct txn_cache *cache, uint64_t hash)
{
	__builtin_prefetch(bucket_of(cache, hash));
}

int txn_cache_get(struct txn_cache *cache, uint64_t hash, uint64_t now_ms, struct txn_hit *hit)
{
	const struct bucket *bucket = bucket_of(cache, hash);
	uint32_t signature = (uint32_t)(hash >> 32), now = (uint32_t)(now_ms >> TICK_SHIFT);

	for (unsigned int i = 0; i < BUCKET_ENTRIES; i++) {
		const struct entry *e = &bucket->entries[i];

		if (e->signature != signature || e->expiry <= now)
			continue;
		hit->backend_id = e->backend_id;
		hit->key_id = e->key_id;
		cache->counts.hits++;
		return 0;
	}
	cache->counts.misses++;
	return -ENOENT;
}

int txn_cache_put(struct txn_cache *cache, uint64_t hash, uint64_t now_ms, uint32_t ttl_ms,
	struct txn_hit hit)
{
	struct bucket *bucket = &cache->buckets[hash & cache->mask];
	uint32_t signature = (uint32_t)(hash >> 32), now = (uint32_t)(now_ms >> TICK_SHIFT);
	struct entry *free = NULL;

	for (unsigned int i = 0; i < BUCKET_ENTRIES; i++) {
		struct entry *e = &bucket->entries[i];

		if (e->expiry <= now) {
			free = free != NULL ? free : e;
		} else if (e->signature == signature) {
			free = e;
			break;
		}
	}
	if (free == NULL) {
		cache->counts.full++;
		return -ENOSPC;
	}
	free->signature = signature;
	free->expiry = (uint32_t)((now_ms + ttl_ms) >> TICK_SHIFT) + 1;
	free->backend_id = hit.backend_id;
	free->key_id = hit.key_id;
	return 0;
}

struct txn_counts txn_cache_counts(const struct txn_cache *cache)
{
	return cache->counts;
}

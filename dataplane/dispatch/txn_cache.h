// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_TXN_CACHE_H
#define DISPATCH_TXN_CACHE_H

#include <stddef.h>
#include <stdint.h>

// Where the requests of recent transactions went: best effort, one per worker, four entries a cache
// line. It only keeps retransmissions, CANCEL and ACK together when the table changes; losing an
// entry is never wrong while the table stays. Full buckets refuse new entries instead of evicting.

#define TXN_TTL_MS 32000
#define TXN_INVITE_TTL_MS 180000

struct txn_cache;

struct txn_hit {
	uint32_t backend_id;
	char key_id; // the signing key its branch was made with
};

struct txn_counts { // since the cache was made
	uint64_t hits, misses; // of lookups
	uint64_t full; // entries refused
};

size_t txn_cache_size(uint32_t entries); // entries: a power of 2, at least 4
struct txn_cache *txn_cache_init(void *memory, uint32_t entries, const uint8_t key[16]);

// The key of a transaction: snapshot_call_digest() of its Call-ID, CSeq number, and on which of its
// passages it is (a call may pass us several times with the same Call-ID and CSeq): a number that
// tells service and direction.
uint64_t txn_cache_hash(
	const struct txn_cache *cache, uint64_t call_digest, uint32_t cseq, uint32_t passage);
// Start to load its cache line.
void txn_cache_prefetch(const struct txn_cache *cache, uint64_t hash);

// Owner thread only. Returns 0 or -ENOENT.
int txn_cache_get(struct txn_cache *cache, uint64_t hash, uint64_t now_ms, struct txn_hit *hit);
// Returns 0, or -ENOSPC when the bucket is full of live entries.
int txn_cache_put(struct txn_cache *cache, uint64_t hash, uint64_t now_ms, uint32_t ttl_ms,
	struct txn_hit hit);

struct txn_counts txn_cache_counts(const struct txn_cache *cache);

#endif

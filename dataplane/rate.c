// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/rate.h"

#include "dataplane/dispatch/siphash.h"

#include <rte_common.h>
#include <rte_malloc.h>

#include <errno.h>

#define WAYS 4
#define SCALE 1000 // tokens are kept in thousandths: rate per second times milliseconds

struct bucket {
	uint64_t tag; // hash of kind and source; 0: free
	uint64_t tokens;
	uint64_t last_ms;
};

_Static_assert(RATE_KINDS <= 3, "two bits of a tag");

struct rate_table {
	uint8_t key[16];
	uint32_t mask; // of sets
	struct bucket sets[][WAYS];
};

struct rate_table *rate_table_create(uint32_t sources, const uint8_t key[16])
{
	uint32_t nb_sets = rte_align32pow2(RTE_MAX(sources / WAYS, 1u));
	struct rate_table *table = rte_zmalloc(
		"rates", sizeof(*table) + nb_sets * sizeof(table->sets[0]), RTE_CACHE_LINE_SIZE);

	if (table == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	memcpy(table->key, key, sizeof(table->key));
	table->mask = nb_sets - 1;
	return table;
}

void rate_table_destroy(struct rate_table *table)
{
	rte_free(table);
}

bool rate_take(struct rate_table *table, struct rate_limit limit, const struct ip_addr *source,
	uint64_t now_ms)
{
	uint64_t full = (uint64_t)limit.rate * SCALE;
	struct bucket *set, *bucket = NULL;
	uint64_t tag;

	if (limit.rate == 0)
		return true;
	// Each kind of one source is a tag of its own; none is 0.
	tag = (siphash13(table->key, source, sizeof(*source)) & ~UINT64_C(3)) | (limit.kind + 1);
	set = table->sets[tag >> 32 & table->mask];
	for (unsigned int i = 0; i < WAYS; i++) {
		if (set[i].tag == tag) {
			bucket = &set[i];
			break;
		}
		if (bucket == NULL || set[i].last_ms < bucket->last_ms)
			bucket = &set[i];
	}
	if (bucket->tag != tag) {
		*bucket = (struct bucket){.tag = tag, .tokens = full, .last_ms = now_ms};
	} else if (now_ms > bucket->last_ms) {
		uint64_t elapsed_ms = RTE_MIN(now_ms - bucket->last_ms, UINT64_C(1000));

		bucket->tokens = RTE_MIN(bucket->tokens + elapsed_ms * limit.rate, full);
		bucket->last_ms = now_ms;
	}
	if (bucket->tokens < SCALE)
		return false;
	bucket->tokens -= SCALE;
	return true;
}

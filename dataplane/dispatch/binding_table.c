// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/binding_table.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "dataplane/dispatch/siphash.h"

#define BUCKET_ENTRIES 3
#define PROBES_MAX 16 // buckets that one hash may be found in
#define READ_TRIES 16

struct entry {
	uint64_t hash; // 0: free
	uint32_t backend_id;
	uint32_t expires_s;
};

// One cache line, guarded by a sequence number: odd while the writer is at it.
struct bucket {
	uint32_t seq;
	uint32_t beyond; // entries that would be in or passed this bucket but stand in a later one
	uint64_t pad;
	struct entry entries[BUCKET_ENTRIES];
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct bucket) == 64, "one lookup, one cache line");

struct binding_table {
	uint8_t key[16];
	uint32_t mask; // buckets - 1
	uint32_t capacity;
	uint32_t count;
	uint32_t sweep; // where the next sweep goes on
	struct bucket buckets[] __attribute__((aligned(64)));
};

static uint32_t nb_buckets(uint32_t capacity)
{
	uint32_t nb = PROBES_MAX;

	// At most half full, so that buckets rarely overflow and no run of full ones is PROBES_MAX
	// long.
	while ((uint64_t)nb * BUCKET_ENTRIES < (uint64_t)capacity * 2)
		nb *= 2;
	return nb;
}

size_t binding_table_size(uint32_t capacity)
{
	return sizeof(struct binding_table) + (size_t)nb_buckets(capacity) * sizeof(struct bucket);
}

struct binding_table *binding_table_init(void *memory, uint32_t capacity, const uint8_t key[16])
{
	struct binding_table *table = memory;

	memset(memory, 0, binding_table_size(capacity));
	memcpy(table->key, key, 16);
	table->mask = nb_buckets(capacity) - 1;
	table->capacity = capacity;
	return table;
}

uint64_t binding_table_hash(const struct binding_table *table, struct strv user, struct strv host)
{
	uint64_t hash = siphash_user_host(table->key, user, host);

	return hash != 0 ? hash : 1;
}

const uint8_t *binding_table_key(const struct binding_table *table)
{
	return table->key;
}

static uint32_t home_of(const struct binding_table *table, uint64_t hash)
{
	return (uint32_t)(hash >> 32) & table->mask;
}

static void write_begin(struct bucket *b)
{
	__atomic_store_n(&b->seq, b->seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void write_end(struct bucket *b)
{
	__atomic_store_n(&b->seq, b->seq + 1, __ATOMIC_RELEASE);
}

static void write_entry(struct bucket *b, struct entry *e, struct entry value)
{
	write_begin(b);
	__atomic_store_n(&e->hash, value.hash, __ATOMIC_RELAXED);
	__atomic_store_n(&e->backend_id, value.backend_id, __ATOMIC_RELAXED);
	__atomic_store_n(&e->expires_s, value.expires_s, __ATOMIC_RELAXED);
	write_end(b);
}

static void add_beyond(struct binding_table *table, uint32_t home, unsigned int probes, int n)
{
	for (unsigned int i = 0; i < probes; i++) {
		struct bucket *b = &table->buckets[(home + i) & table->mask];

		__atomic_store_n(&b->beyond, b->beyond + (uint32_t)n, __ATOMIC_RELAXED);
	}
}

void binding_table_prefetch(const struct binding_table *table, uint64_t hash)
{
	__builtin_prefetch(&table->buckets[home_of(table, hash)]);
}

// The writer's own search. Returns the entry and in *probes how far from home it is; or NULL.
static struct entry *find(struct binding_table *table, uint64_t hash, unsigned int *probes)
{
	uint32_t home = home_of(table, hash);

	for (*probes = 0; *probes < PROBES_MAX; ++*probes) {
		struct bucket *b = &table->buckets[(home + *probes) & table->mask];

		for (unsigned int i = 0; i < BUCKET_ENTRIES; i++)
			if (b->entries[i].hash == hash)
				return &b->entries[i];
		if (b->beyond == 0)
			break;
	}
	return NULL;
}

int binding_table_set(
	struct binding_table *table, uint64_t hash, uint32_t backend_id, uint32_t expires_s)
{
	struct entry value = {hash, backend_id, expires_s};
	uint32_t home = home_of(table, hash);
	unsigned int probes;
	struct entry *e = find(table, hash, &probes);

	if (e != NULL) {
		write_entry(&table->buckets[(home + probes) & table->mask], e, value);
		return 0;
	}
	if (table->count >= table->capacity)
		return -ENOSPC;
	for (probes = 0; probes < PROBES_MAX; probes++) {
		struct bucket *b = &table->buckets[(home + probes) & table->mask];

		for (unsigned int i = 0; i < BUCKET_ENTRIES; i++) {
			if (b->entries[i].hash != 0)
				continue;
			// First the signposts, so that no reader misses the entry.
			add_beyond(table, home, probes, 1);
			write_entry(b, &b->entries[i], value);
			table->count++;
			return 0;
		}
	}
	return -ENOSPC;
}

static void drop_entry(struct binding_table *table, struct bucket *b, struct entry *e)
{
	uint32_t home = home_of(table, e->hash);
	uint32_t at = (uint32_t)(b - table->buckets);

	write_entry(b, e, (struct entry){0});
	add_beyond(table, home, (at - home) & table->mask, -1);
	table->count--;
}

void binding_table_del(struct binding_table *table, uint64_t hash)
{
	unsigned int probes;
	struct entry *e = find(table, hash, &probes);

	if (e != NULL)
		drop_entry(
			table, &table->buckets[(home_of(table, hash) + probes) & table->mask], e);
}

uint32_t binding_table_sweep(struct binding_table *table, uint32_t now_s, uint32_t slots)
{
	uint32_t dropped = 0;

	for (uint32_t seen = 0; seen < slots; seen += BUCKET_ENTRIES) {
		struct bucket *b = &table->buckets[table->sweep];

		for (unsigned int i = 0; i < BUCKET_ENTRIES; i++) {
			if (b->entries[i].hash != 0 && b->entries[i].expires_s <= now_s) {
				drop_entry(table, b, &b->entries[i]);
				dropped++;
			}
		}
		table->sweep = (table->sweep + 1) & table->mask;
	}
	return dropped;
}

uint32_t binding_table_count(const struct binding_table *table)
{
	return table->count;
}

// Read one bucket as it was at one moment. Returns false if the writer never let us.
static bool read_bucket(
	const struct bucket *b, uint64_t hash, struct entry *found, uint32_t *beyond)
{
	for (unsigned int try = 0; try < READ_TRIES; try++) {
		uint32_t seq = __atomic_load_n(&b->seq, __ATOMIC_ACQUIRE);

		found->hash = 0;
		for (unsigned int i = 0; i < BUCKET_ENTRIES; i++) {
			const struct entry *e = &b->entries[i];

			if (__atomic_load_n(&e->hash, __ATOMIC_RELAXED) != hash)
				continue;
			found->hash = hash;
			found->backend_id = __atomic_load_n(&e->backend_id, __ATOMIC_RELAXED);
			found->expires_s = __atomic_load_n(&e->expires_s, __ATOMIC_RELAXED);
			break;
		}
		*beyond = __atomic_load_n(&b->beyond, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!(seq & 1) && __atomic_load_n(&b->seq, __ATOMIC_RELAXED) == seq)
			return true;
	}
	return false;
}

int binding_table_get(
	const struct binding_table *table, uint64_t hash, uint32_t now_s, uint32_t *backend_id)
{
	uint32_t home = home_of(table, hash);

	for (unsigned int probes = 0; probes < PROBES_MAX; probes++) {
		const struct bucket *b = &table->buckets[(home + probes) & table->mask];
		struct entry found;
		uint32_t beyond;

		if (!read_bucket(b, hash, &found, &beyond))
			return -ENOENT;
		if (found.hash != 0) {
			*backend_id = found.backend_id;
			return found.expires_s > now_s ? 0 : -ENOENT;
		}
		if (beyond == 0)
			break;
	}
	return -ENOENT;
}

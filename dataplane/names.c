// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/names.h"

#include "dataplane/dispatch/siphash.h"

#include <rte_common.h>
#include <rte_malloc.h>
#include <rte_pause.h>

#include <errno.h>

#define SETS 1024
#define WAYS 4

struct name {
	uint32_t seq; // odd: being written
	uint64_t hash;
	uint64_t expires_ms; // 0: never used
	struct endpoint to;
};

struct name_table {
	uint8_t key[16];
	struct name sets[SETS][WAYS];
};

struct name_table *name_table_create(const uint8_t key[16])
{
	struct name_table *table = rte_zmalloc("names", sizeof(*table), RTE_CACHE_LINE_SIZE);

	if (table != NULL)
		memcpy(table->key, key, sizeof(table->key));
	return table;
}

void name_table_destroy(struct name_table *table)
{
	rte_free(table);
}

uint64_t name_hash(const struct name_table *table, struct strv host, uint16_t port)
{
	char text[2] = {(char)(port >> 8), (char)port};

	return siphash_user_host(table->key, (struct strv){text, sizeof(text)}, host);
}

void name_set(
	struct name_table *table, uint64_t hash, const struct endpoint *to, uint64_t expires_ms)
{
	struct name *set = table->sets[hash & (SETS - 1)], *name = &set[0];
	uint32_t seq;

	for (unsigned int i = 0; i < WAYS; i++) {
		if (set[i].hash == hash) {
			name = &set[i];
			break;
		}
		if (set[i].expires_ms < name->expires_ms)
			name = &set[i];
	}
	seq = name->seq;
	__atomic_store_n(&name->seq, seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	name->hash = hash;
	name->expires_ms = expires_ms;
	name->to = *to;
	__atomic_store_n(&name->seq, seq + 2, __ATOMIC_RELEASE);
}

static void read_name(const struct name *name, struct name *copy)
{
	uint32_t seq;

	do {
		while ((seq = __atomic_load_n(&name->seq, __ATOMIC_ACQUIRE)) & 1)
			rte_pause();
		*copy = *(const volatile struct name *)name;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (__atomic_load_n(&name->seq, __ATOMIC_RELAXED) != seq);
}

int name_get(const struct name_table *table, uint64_t hash, uint64_t now_ms, struct endpoint *to)
{
	const struct name *set = table->sets[hash & (SETS - 1)];

	for (unsigned int i = 0; i < WAYS; i++) {
		struct name name;

		read_name(&set[i], &name);
		if (name.hash == hash && name.expires_ms > now_ms) {
			*to = name.to;
			return 0;
		}
	}
	return -ENOENT;
}

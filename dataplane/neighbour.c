// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/neighbour.h"

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_malloc.h>
#include <rte_pause.h>

#include "dataplane/dispatch/snapshot.h"

#include <errno.h>

#define LOOKUPS_MAX 16

// Linear probing without tombstones: when an entry goes, later ones move up. Whoever looks for one
// of these meanwhile may pass it by; the generation tells him to look again.
struct neighbour {
	uint32_t seq; // odd: being written
	uint16_t port;
	bool used;
	struct ip_addr ip;
	struct rte_ether_addr mac;
};

struct neighbour_table {
	uint32_t generation;
	uint32_t nb;
	struct neighbour slots[NEIGHBOUR_SLOTS];
};

struct neighbour_table *neighbour_table_create(void)
{
	return rte_zmalloc("neighbours", sizeof(struct neighbour_table), RTE_CACHE_LINE_SIZE);
}

void neighbour_table_destroy(struct neighbour_table *table)
{
	rte_free(table);
}

static uint32_t slot_of(uint16_t port, const struct ip_addr *ip)
{
	return (snapshot_hash_ip(ip) + port * 0x9e3779b1u) & (NEIGHBOUR_SLOTS - 1);
}

static bool same(const struct neighbour *n, uint16_t port, const struct ip_addr *ip)
{
	return n->port == port && ip_addr_eq(&n->ip, ip);
}

static void write_slot(
	struct neighbour_table *table, struct neighbour *n, const struct neighbour *value)
{
	uint32_t seq = n->seq;

	__atomic_store_n(&n->seq, seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	n->port = value->port;
	n->ip = value->ip;
	n->mac = value->mac;
	n->used = value->used;
	__atomic_store_n(&n->seq, seq + 2, __ATOMIC_RELEASE);
	__atomic_store_n(&table->generation, table->generation + 1, __ATOMIC_RELEASE);
}

static uint32_t next_slot(uint32_t slot)
{
	return (slot + 1) & (NEIGHBOUR_SLOTS - 1);
}

// Writer only: its slot, or the free one where it belongs. The table is never full.
static uint32_t find(const struct neighbour_table *table, uint16_t port, const struct ip_addr *ip)
{
	uint32_t slot = slot_of(port, ip);

	while (table->slots[slot].used && !same(&table->slots[slot], port, ip))
		slot = next_slot(slot);
	return slot;
}

int neighbour_set(struct neighbour_table *table, uint16_t port, const struct ip_addr *ip,
	const struct rte_ether_addr *mac)
{
	const struct neighbour value = {.port = port, .ip = *ip, .mac = *mac, .used = true};
	struct neighbour *n = &table->slots[find(table, port, ip)];

	if (n->used && rte_is_same_ether_addr(&n->mac, mac))
		return 0;
	if (!n->used) {
		if (table->nb >= NEIGHBOUR_MAX)
			return -ENOSPC;
		table->nb++;
	}
	write_slot(table, n, &value);
	return 0;
}

// Does a slot lie cyclically in (from, to]?
static bool lies_between(uint32_t slot, uint32_t from, uint32_t to)
{
	return ((slot - from - 1) & (NEIGHBOUR_SLOTS - 1)) < ((to - from) & (NEIGHBOUR_SLOTS - 1));
}

void neighbour_del(struct neighbour_table *table, uint16_t port, const struct ip_addr *ip)
{
	static const struct neighbour none;
	uint32_t hole = find(table, port, ip);

	if (!table->slots[hole].used)
		return;
	table->nb--;
	for (uint32_t i = next_slot(hole); table->slots[i].used; i = next_slot(i)) {
		const struct neighbour *n = &table->slots[i];

		// One that starts behind the hole is found where it is.
		if (lies_between(slot_of(n->port, &n->ip), hole, i))
			continue;
		write_slot(table, &table->slots[hole], n);
		hole = i;
	}
	write_slot(table, &table->slots[hole], &none);
}

static void read_slot(const struct neighbour *n, struct neighbour *copy)
{
	uint32_t seq;

	do {
		while ((seq = __atomic_load_n(&n->seq, __ATOMIC_ACQUIRE)) & 1)
			rte_pause();
		*copy = *(const volatile struct neighbour *)n;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (__atomic_load_n(&n->seq, __ATOMIC_RELAXED) != seq);
}

static int look_up(const struct neighbour_table *table, uint16_t port, const struct ip_addr *ip,
	struct rte_ether_addr *mac)
{
	uint32_t slot = slot_of(port, ip);

	for (uint32_t i = 0; i < NEIGHBOUR_SLOTS; i++, slot = next_slot(slot)) {
		struct neighbour n;

		read_slot(&table->slots[slot], &n);
		if (!n.used)
			break;
		if (same(&n, port, ip)) {
			*mac = n.mac;
			return 0;
		}
	}
	return -ENOENT;
}

int neighbour_get(const struct neighbour_table *table, uint16_t port, const struct ip_addr *ip,
	struct rte_ether_addr *mac)
{
	// Who is missed while a thousand others change is held for a turn, and looked for again.
	for (unsigned int i = 0; i < LOOKUPS_MAX; i++) {
		uint32_t generation = neighbour_generation(table);

		if (likely(look_up(table, port, ip, mac) == 0))
			return 0;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (neighbour_generation(table) == generation)
			break;
	}
	return -ENOENT;
}

uint32_t neighbour_generation(const struct neighbour_table *table)
{
	return __atomic_load_n(&table->generation, __ATOMIC_ACQUIRE);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/neighbour.h"

#include <rte_common.h>
#include <rte_malloc.h>
#include <rte_pause.h>

#include "dataplane/dispatch/snapshot.h"

#include <errno.h>

// Linear probing. A deleted entry keeps its key (mac_valid 0), so chains stay whole; its slot is
// used again by the next new key that probes across it.
struct neighbour {
	uint32_t seq; // odd: being written
	uint16_t port;
	bool used; // ever
	bool mac_valid;
	struct ip_addr ip;
	struct rte_ether_addr mac;
};

struct neighbour_table {
	uint32_t generation;
	uint32_t nb_valid;
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
	n->mac_valid = value->mac_valid;
	n->used = true;
	__atomic_store_n(&n->seq, seq + 2, __ATOMIC_RELEASE);
	__atomic_store_n(&table->generation, table->generation + 1, __ATOMIC_RELEASE);
}

int neighbour_set(struct neighbour_table *table, uint16_t port, const struct ip_addr *ip,
	const struct rte_ether_addr *mac)
{
	const struct neighbour value = {.port = port, .ip = *ip, .mac = *mac, .mac_valid = true};
	struct neighbour *vacant = NULL;
	uint32_t slot = slot_of(port, ip);

	for (uint32_t i = 0; i < NEIGHBOUR_SLOTS; i++, slot = (slot + 1) & (NEIGHBOUR_SLOTS - 1)) {
		struct neighbour *n = &table->slots[slot];

		if (n->used && same(n, port, ip)) {
			if (n->mac_valid && rte_is_same_ether_addr(&n->mac, mac))
				return 0;
			table->nb_valid += !n->mac_valid;
			write_slot(table, n, &value);
			return 0;
		}
		if (!n->mac_valid && vacant == NULL)
			vacant = n;
		if (!n->used)
			break;
	}
	if (vacant == NULL || table->nb_valid >= NEIGHBOUR_MAX)
		return -ENOSPC;
	table->nb_valid++;
	write_slot(table, vacant, &value);
	return 0;
}

void neighbour_del(struct neighbour_table *table, uint16_t port, const struct ip_addr *ip)
{
	uint32_t slot = slot_of(port, ip);

	for (uint32_t i = 0; i < NEIGHBOUR_SLOTS; i++, slot = (slot + 1) & (NEIGHBOUR_SLOTS - 1)) {
		struct neighbour *n = &table->slots[slot];
		struct neighbour value;

		if (!n->used)
			return;
		if (!same(n, port, ip))
			continue;
		if (n->mac_valid) {
			value = *n;
			value.mac_valid = false;
			table->nb_valid--;
			write_slot(table, n, &value);
		}
		return;
	}
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

int neighbour_get(const struct neighbour_table *table, uint16_t port, const struct ip_addr *ip,
	struct rte_ether_addr *mac)
{
	uint32_t slot = slot_of(port, ip);

	for (uint32_t i = 0; i < NEIGHBOUR_SLOTS; i++, slot = (slot + 1) & (NEIGHBOUR_SLOTS - 1)) {
		struct neighbour n;

		read_slot(&table->slots[slot], &n);
		if (!n.used)
			return -ENOENT;
		if (!same(&n, port, ip))
			continue;
		*mac = n.mac;
		return n.mac_valid ? 0 : -ENOENT;
	}
	return -ENOENT;
}

uint32_t neighbour_generation(const struct neighbour_table *table)
{
	return __atomic_load_n(&table->generation, __ATOMIC_ACQUIRE);
}

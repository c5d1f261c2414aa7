// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_NEIGHBOUR_H
#define DATAPLANE_NEIGHBOUR_H

#include <rte_ether.h>

#include "dataplane/dispatch/addr.h"

// Next hop address -> Ethernet address, as the kernel resolved it. Written by housekeeping from
// what control says, read by workers without a lock: each entry is guarded by its own sequence
// number.

#define NEIGHBOUR_SLOTS 8192
#define NEIGHBOUR_MAX 4096

struct neighbour_table;

struct neighbour_table *neighbour_table_create(void);
void neighbour_table_destroy(struct neighbour_table *table);

// Writer only. Return 0 or -ENOSPC.
int neighbour_set(struct neighbour_table *table, uint16_t port, const struct ip_addr *ip,
	const struct rte_ether_addr *mac);
void neighbour_del(struct neighbour_table *table, uint16_t port, const struct ip_addr *ip);

// Any thread. Return 0 or -ENOENT.
int neighbour_get(const struct neighbour_table *table, uint16_t port, const struct ip_addr *ip,
	struct rte_ether_addr *mac);

// Moves with every change of the table; what was remembered under another number is stale.
uint32_t neighbour_generation(const struct neighbour_table *table);

#endif

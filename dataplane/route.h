// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_ROUTE_H
#define DATAPLANE_ROUTE_H

#include "dataplane/dispatch/snapshot.h"

// Longest-prefix match over a snapshot's routes: one sorted array per prefix length that occurs, and
// vectors of all where they are few.
// A node has few routes, and workers remember where they sent last (next_hop.h), so a table of
// 2^24 entries as in rte_lpm would cost more memory than all the rest for nothing.

struct route_table;

// Returns NULL and errno. The table refers to `snap` and must not outlive it.
struct route_table *route_table_create(const struct snapshot *snap);
void route_table_destroy(struct route_table *table);

// Any thread. Returns NULL when no route covers it.
const struct snapshot_route *route_find(const struct route_table *table, const struct ip_addr *ip);

#endif

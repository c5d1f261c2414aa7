// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_NEXT_HOP_H
#define DATAPLANE_NEXT_HOP_H

#include "dataplane/worker.h"

// Where an IP packet goes: route, gateway, Ethernet address. Workers remember the answer per
// destination for as long as snapshot and neighbours stay as they are.

struct next_hop {
	struct ip_addr ip; // of the neighbour: the gateway or the destination itself
	uint16_t port;
	uint16_t mtu;
	struct rte_ether_addr mac;
};

struct next_hop_cache *next_hop_cache_create(void);
void next_hop_cache_destroy(struct next_hop_cache *cache);

// Return 0; -ENETUNREACH (no route); or -EHOSTUNREACH: `ip` and `port` are set, the Ethernet
// address is not known.
int next_hop_find(struct worker *w, const struct ip_addr *to, struct next_hop *hop);

#endif

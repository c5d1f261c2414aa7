// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/next_hop.h"

#include "dataplane/route.h"

#include <rte_malloc.h>

#include <errno.h>

#define CACHE_SLOTS 2048

struct cached {
	uint64_t generation; // of the snapshot
	uint32_t neighbours; // generation of the neighbour table
	uint16_t port, mtu;
	struct ip_addr to;
	struct rte_ether_addr mac;
} __rte_cache_aligned;

struct next_hop_cache {
	struct cached slots[CACHE_SLOTS];
};

struct next_hop_cache *next_hop_cache_create(void)
{
	return rte_zmalloc("next_hops", sizeof(struct next_hop_cache), RTE_CACHE_LINE_SIZE);
}

void next_hop_cache_destroy(struct next_hop_cache *cache)
{
	rte_free(cache);
}

int next_hop_find(struct worker *w, const struct ip_addr *to, struct next_hop *hop)
{
	struct cached *cached = &w->next_hops->slots[snapshot_hash_ip(to) & (CACHE_SLOTS - 1)];
	uint64_t generation = w->published->snap->generation;
	uint32_t neighbours = neighbour_generation(w->neighbours);
	const struct snapshot_route *route;

	if (likely(cached->generation == generation && cached->neighbours == neighbours &&
		    ip_addr_eq(&cached->to, to))) {
		hop->port = cached->port;
		hop->mtu = cached->mtu;
		hop->mac = cached->mac;
		return 0;
	}

	route = route_find(w->published->routes, to);
	if (route == NULL || route->port >= w->nb_ports)
		return -ENETUNREACH;
	hop->port = route->port;
	hop->mtu = w->ports[route->port].mtu;
	hop->ip = route->gateway.family != 0 ? route->gateway : *to;
	if (neighbour_get(w->neighbours, hop->port, &hop->ip, &hop->mac) != 0)
		return -EHOSTUNREACH;
	*cached = (struct cached){
		.generation = generation,
		.neighbours = neighbours,
		.port = hop->port,
		.mtu = hop->mtu,
		.to = *to,
		.mac = hop->mac,
	};
	return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/next_hop.h"

#include "dataplane/route.h"

#include <rte_malloc.h>

#include <errno.h>

struct next_hop_cache *next_hop_cache_create(void)
{
	return rte_zmalloc("next_hops", sizeof(struct next_hop_cache), RTE_CACHE_LINE_SIZE);
}

void next_hop_cache_destroy(struct next_hop_cache *cache)
{
	rte_free(cache);
}

void next_hop_begin_turn(struct worker *w)
{
	uint32_t neighbours = neighbour_generation(w->neighbours);
	uint64_t generation = w->published != NULL ? w->published->snap->generation : 0;

	if (likely(w->epoch != 0 && w->epoch_published == w->published &&
		    w->epoch_generation == generation && w->epoch_neighbours == neighbours))
		return;
	w->epoch_published = w->published;
	w->epoch_generation = generation;
	w->epoch_neighbours = neighbours;
	if (++w->epoch == 0)
		w->epoch = 1;
}

static void fill_ether(
	struct next_hop *hop, const struct rte_ether_addr *to, const struct rte_ether_addr *from)
{
	const struct rte_ether_hdr ether = {
		.dst_addr = *to,
		.src_addr = *from,
		.ether_type = hop->to.family == 4 ? RTE_BE16(RTE_ETHER_TYPE_IPV4)
						  : RTE_BE16(RTE_ETHER_TYPE_IPV6),
	};

	memcpy(hop->ether, &ether, sizeof(hop->ether));
}

static int resolve(struct worker *w, const struct snapshot_route *route, struct next_hop *hop)
{
	struct rte_ether_addr mac;

	hop->epoch = 0;
	hop->port = route->port;
	hop->mtu = w->ports[route->port].mtu;
	if (neighbour_get(w->neighbours, hop->port, &hop->via, &mac) != 0)
		return -EHOSTUNREACH;
	fill_ether(hop, &mac, &w->ports[hop->port].mac);
	hop->epoch = w->epoch;
	return 0;
}

// Of two routes in one entry each takes it from the other.
static struct next_hop *gateway_slot(struct worker *w, const struct snapshot_route *route)
{
	const struct snapshot_route *first =
		SNAPSHOT_AT(w->published->snap, routes, snapshot_route, 0);

	return &w->next_hops->gateways[(size_t)(route - first) % NEXT_HOP_GATEWAYS];
}

static struct next_hop *take_slot(struct worker *w, const struct ip_addr *to)
{
	uint64_t hash = next_hop_hash(to);
	size_t place = next_hop_place(hash);

	w->next_hops->tags[place] = next_hop_tag(hash);
	return &w->next_hops->slots[place];
}

int next_hop_by_route(struct worker *w, const struct ip_addr *to, const struct next_hop **hop)
{
	const struct snapshot_route *route = route_find(w->published->routes, to);
	struct next_hop *slot;

	*hop = NULL;
	if (route == NULL || route->port >= w->nb_ports)
		return -ENETUNREACH;
	if (route->gateway.family == 0) {
		slot = take_slot(w, to);
		slot->to = *to;
		slot->via = *to;
	} else {
		slot = gateway_slot(w, route);
		*hop = slot;
		if (likely(slot->epoch == w->epoch && slot->route == route))
			return 0;
		slot->to = route->prefix;
		slot->via = route->gateway;
		slot->route = route;
	}
	*hop = slot;
	return resolve(w, route, slot);
}

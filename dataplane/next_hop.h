// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_NEXT_HOP_H
#define DATAPLANE_NEXT_HOP_H

#include <rte_prefetch.h>

#include "dataplane/worker.h"

// Where an IP packet goes: route, gateway, Ethernet header. Workers remember the answer for as long
// as snapshot and neighbours stay as they are: per destination where that is a neighbour itself,
// and per route where a gateway is, so that any number of clients behind it share one entry. One
// cache line each.

#define NEXT_HOP_SLOTS 4096
#define NEXT_HOP_GATEWAYS 256

struct next_hop {
	struct ip_addr to; // the packet's destination; behind a gateway: the prefix of a route
	struct ip_addr via; // the neighbour: the gateway or the destination itself
	uint8_t ether[RTE_ETHER_HDR_LEN]; // what stands in front of the packet
	uint16_t port;
	uint16_t mtu;
	uint32_t epoch; // of the worker, when it was found; 0: the Ethernet header is not known
	const struct snapshot_route *route; // of a gateway's: whose entry it is, in that epoch
} __rte_cache_aligned;

_Static_assert(sizeof(struct next_hop) == RTE_CACHE_LINE_SIZE, "one line a packet");

struct next_hop_cache {
	struct next_hop slots[NEXT_HOP_SLOTS];
	struct next_hop gateways[NEXT_HOP_GATEWAYS]; // by route
	struct next_hop none; // of no destination in any epoch
	// Of the destinations in the slots. Most clients are behind a gateway and in none, which is
	// seen here without a look at a slot that is in no near cache.
	uint8_t tags[NEXT_HOP_SLOTS];
};

struct next_hop_cache *next_hop_cache_create(void);
void next_hop_cache_destroy(struct next_hop_cache *cache);

// Once a turn: what was remembered from another snapshot or other neighbours is forgotten.
void next_hop_begin_turn(struct worker *w);

// Find it by its route. Returns 0; -ENETUNREACH: there is no route, *hop is NULL; or -EHOSTUNREACH:
// `via` and `port` are set, the Ethernet address is not known.
int next_hop_by_route(struct worker *w, const struct ip_addr *to, const struct next_hop **hop);

static inline uint64_t next_hop_hash(const struct ip_addr *to)
{
	uint64_t a, b;

	memcpy(&a, to->octets, sizeof(a));
	memcpy(&b, to->octets + 8, sizeof(b));
	return (a ^ b * UINT64_C(0xd6e8feb86659fd93)) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline size_t next_hop_place(uint64_t hash)
{
	return hash >> 52;
}

_Static_assert(NEXT_HOP_SLOTS == 1 << (64 - 52), "the shift of next_hop_place()");

// Never that of a slot that was not filled.
static inline uint8_t next_hop_tag(uint64_t hash)
{
	return (uint8_t)(hash >> 40) | 1;
}

// Where an address is remembered, if it is.
static inline struct next_hop *next_hop_slot(struct worker *w, const struct ip_addr *to)
{
	struct next_hop_cache *cache = w->next_hops;
	uint64_t hash = next_hop_hash(to);
	size_t place = next_hop_place(hash);

	return cache->tags[place] == next_hop_tag(hash) ? &cache->slots[place] : &cache->none;
}

// `slot` is next_hop_slot() of `to`. Results as those of next_hop_by_route(); *hop is valid until
// the next call.
static inline int next_hop_find_at(struct worker *w, const struct ip_addr *to,
	struct next_hop *slot, const struct next_hop **hop)
{
	*hop = slot;
	if (likely(slot->epoch == w->epoch && ip_addr_eq(&slot->to, to)))
		return 0;
	return next_hop_by_route(w, to, hop);
}

static inline int next_hop_find(
	struct worker *w, const struct ip_addr *to, const struct next_hop **hop)
{
	return next_hop_find_at(w, to, next_hop_slot(w, to), hop);
}

#endif

// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_PMTU_H
#define DATAPLANE_PMTU_H

#include <rte_malloc.h>

#include "dataplane/dispatch/snapshot.h"

// Path MTUs that are smaller than the port's, learned from ICMP (RFC 1191, RFC 8201). Shared by all
// workers without a lock: an entry is one word, and losing one costs one more ICMP error.

#define PMTU_SLOTS 1024
#define PMTU_LIFETIME_S 600 // RFC 1191 section 6.3
// Nobody may make us cut packets into crumbs: 576 is what every IPv4 host takes, 1280 every IPv6
// link.
#define PMTU_MIN_V4 576
#define PMTU_MIN_V6 1280

struct pmtu_table {
	uint32_t used; // 0: nothing was ever learned, and nobody needs to look
	uint64_t slots[PMTU_SLOTS]; // hash 32, mtu 16, expiry in seconds 16
};

static inline void pmtu_learn(
	struct pmtu_table *table, const struct ip_addr *ip, uint32_t mtu, uint64_t now_ms)
{
	uint32_t least = ip->family == 4 ? PMTU_MIN_V4 : PMTU_MIN_V6;
	uint64_t hash = snapshot_hash_ip(ip);
	uint16_t expiry = (uint16_t)(now_ms / 1000 + PMTU_LIFETIME_S);

	if (table == NULL || mtu > UINT16_MAX)
		return;
	if (mtu < least)
		mtu = least;
	__atomic_store_n(&table->slots[hash & (PMTU_SLOTS - 1)],
		hash << 32 | (uint64_t)mtu << 16 | expiry, __ATOMIC_RELAXED);
	__atomic_store_n(&table->used, 1, __ATOMIC_RELAXED);
}

// The MTU towards an address: the port's, or less.
static inline uint16_t pmtu_get(
	const struct pmtu_table *table, const struct ip_addr *ip, uint16_t mtu, uint64_t now_ms)
{
	uint64_t hash, slot;
	uint16_t left;

	if (table == NULL || __atomic_load_n(&table->used, __ATOMIC_RELAXED) == 0)
		return mtu;
	hash = snapshot_hash_ip(ip);
	slot = __atomic_load_n(&table->slots[hash & (PMTU_SLOTS - 1)], __ATOMIC_RELAXED);
	left = (uint16_t)((uint16_t)slot - (uint16_t)(now_ms / 1000));
	if (slot >> 32 != (uint32_t)hash || left > PMTU_LIFETIME_S || (uint16_t)(slot >> 16) >= mtu)
		return mtu;
	return (uint16_t)(slot >> 16);
}

#endif

// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_PUBLISH_H
#define DATAPLANE_PUBLISH_H

#include <rte_rcu_qsbr.h>

#include "dataplane/dispatch/snapshot.h"
#include "dataplane/ipc.h"
#include "dataplane/route.h"

// One of our addresses over IPv4 as a frame carries it: what classify looks a datagram up by.
struct ingress {
	uint64_t key; // INGRESS_KEY of the headers; 0: empty
	uint16_t listener, service_slot;
	uint16_t port; // that owns the address, SNAPSHOT_NONE: any
	uint16_t pad;
};

// Of the eight octets from the destination address on: address, [source port,] destination port.
#define INGRESS_MASK RTE_BE64(UINT64_C(0xffffffff0000ffff))

// The headers of what leaves from a listener, but for what differs from packet to packet.
#define EGRESS_UDP 8
#define EGRESS_MAX (40 + EGRESS_UDP)
struct egress {
	uint8_t headers[EGRESS_MAX]; // IP and UDP; IPv4: the first 28
	uint32_t ip_sum; // of the IPv4 header as it stands there
	uint32_t udp_sum; // of our address and the protocol, for the pseudo-header
	uint16_t service_slot;
	uint8_t family;
} __rte_cache_aligned;

_Static_assert(sizeof(struct egress) == RTE_CACHE_LINE_SIZE, "one line a packet");

// What workers decide by: a checked copy of a snapshot and what is derived from it. Immutable but
// for the bits. A worker loads the pointer once per turn and keeps to it for that turn.
struct published {
	struct backend_bits bits; // written word by word by housekeeping
	const struct snapshot *snap;
	struct route_table *routes;
	size_t mapped; // octets at snap
	bool guarded; // a listener has an ACL, or a service a limit on its sources
	uint16_t *owned; // open addressing over listener indices: one per distinct address
	uint32_t owned_mask;
	uint32_t ingress_mask;
	struct ingress *ingress; // open addressing, at most half full
	struct egress *egress; // by listener
	struct published *next_retired;
	uint64_t token; // of the grace period that ends it
};

// Check and copy a snapshot that another process handed over in a sealed memfd.
// Returns NULL and errno, *why says what is wrong (a constant string).
struct published *published_create(
	int fd, const struct ipc_snapshot *msg, uint32_t nb_ports, const char **why);
// The same from memory, for tests and benchmarks; bits may be NULL: every backend may be used.
struct published *published_from_blob(
	const void *blob, size_t len, const struct backend_bits *bits, const char **why);
void published_destroy(struct published *published);

// Is this the address of any listener, whatever the port? For what carries no port: fragments.
bool published_owns(const struct published *published, const struct ip_addr *ip);

// The place of a key in published.ingress, or where it would stand.
static inline const struct ingress *published_ingress(const struct published *p, uint64_t key)
{
	uint32_t slot = (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 40) & p->ingress_mask;

	while (p->ingress[slot].key != key && p->ingress[slot].key != 0)
		slot = (slot + 1) & p->ingress_mask;
	return &p->ingress[slot];
}

// Flip bits as control says; a message about another generation is ignored.
void published_set_bits(struct published *published, const struct ipc_bits *msg);

// The place where workers find it, and those that wait for their end. Main thread only.
struct publisher {
	struct published *current; // loaded by workers with acquire
	struct published *retired; // oldest last
	struct rte_rcu_qsbr *qsbr; // of the workers; NULL: none run
};

// Make it the current one. The one before is freed by a later publisher_reclaim().
void publisher_swap(struct publisher *publisher, struct published *published);
// Free what no worker can see any more; never waits. Returns whether none is left waiting.
bool publisher_reclaim(struct publisher *publisher);
// After the workers have ended.
void publisher_fini(struct publisher *publisher);

#endif

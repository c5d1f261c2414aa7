// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_PUBLISH_H
#define DATAPLANE_PUBLISH_H

#include <rte_rcu_qsbr.h>

#include "dataplane/dispatch/snapshot.h"
#include "dataplane/ipc.h"
#include "dataplane/route.h"

// What workers decide by: a checked copy of a snapshot and what is derived from it. Immutable but
// for the bits. A worker loads the pointer once per turn and keeps to it for that turn.
struct published {
	struct backend_bits bits; // written word by word by housekeeping
	const struct snapshot *snap;
	struct route_table *routes;
	size_t mapped; // octets at snap
	uint16_t *owned; // open addressing over listener indices: one per distinct address
	uint32_t owned_mask;
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

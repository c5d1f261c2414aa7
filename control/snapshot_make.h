// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_SNAPSHOT_MAKE_H
#define CONTROL_SNAPSHOT_MAKE_H

#include "config/config.h"
#include "control/control.h"
#include "dataplane/dispatch/snapshot.h"

// From a configuration to what snapshot_build() takes. Works without a running control or
// dataplane, so that a plan made offline has bit-identical tables.

// What a snapshot depends on beside the configuration; all of it may be absent.
struct snapshot_env {
	const struct control *control; // weights and counter slots; NULL: as configured, by index
	const struct config_dataplane *dataplane; // ports as they run; NULL: the configuration's
	const struct snapshot_route
		*routes; // of the kernel; NULL: connected nets and gateways only
	uint32_t nb_routes;
	const struct snapshot *prev; // published now
	const struct snapshot_key *made_up; // signs when the file has no cluster_keys
	uint64_t generation;
	uint64_t now_ms; // CLOCK_MONOTONIC
};

// 64*T1: how long RFC 3261 16.11 wants a transaction to keep its way.
#define SNAPSHOT_WINDOW_MS 32000

// The input and the arrays that it points to; nothing in it points to the configuration.
// (prev is borrowed.)
struct snapshot_parts {
	struct snapshot_input input;
	void *arrays[8];
};

// Return 0, or -ENOMEM, or -E2BIG (more than a snapshot can hold).
int snapshot_parts_make(
	const struct config *config, const struct snapshot_env *env, struct snapshot_parts *parts);
void snapshot_parts_fini(struct snapshot_parts *parts);

// Build into fresh memory, 64-byte aligned; free() it. Return 0 or what snapshot_build() says.
int snapshot_parts_build(const struct snapshot_parts *parts, struct snapshot **snapshot);

#endif

// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_CLUSTER_QUORUM_H
#define CONTROL_CLUSTER_QUORUM_H

#include <stdbool.h>
#include <stdint.h>

#include "control/control.h"

// Who probes a backend, and what their answers together mean. Pure functions: every node that knows
// the same nodes comes to the same result.

#define QUORUM_PROBERS 3 // of one backend, when there are so many nodes

// Whether nodes[who] is among the probers of a backend ("service/backend"): rendezvous over the
// names of the nodes that are alive, so a node that dies hands over its own share and no other.
bool quorum_is_prober(const char *path, const char *const *nodes, uint32_t nb_nodes, uint32_t who);

// What the probers' views mean: more than half of them must say the same. Without such a majority
// `before` stays.
enum cluster_verdict quorum_verdict(
	const enum health_state *views, uint32_t nb_views, enum cluster_verdict before);

#endif

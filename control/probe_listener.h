// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_PROBE_LISTENER_H
#define CONTROL_PROBE_LISTENER_H

#include "config/config.h"
#include "dataplane/dispatch/snapshot.h"

// Where probes leave from. Several nodes share a service's address, and a backend's answer to it
// would come to any of them: a probe leaves from an address that is this node's alone, that of the
// port towards the backend. Where the file has a listener on that address anyway it is used; else
// the snapshot has one more that only backends may talk to.

#define PROBE_LISTENER_PORT 5060 // or the next free one

// Add the listeners that are missing for these backends. They share one access list, [acl_first,
// acl_first + nb_acl), which holds the backends. Returns how many are in listeners[] then, at most
// `max`.
struct probe_listener_input {
	const struct config_dataplane *dataplane;
	const struct snapshot_route *routes;
	uint32_t nb_routes;
	const struct snapshot_backend *backends;
	uint32_t nb_backends;
	uint16_t acl_first, nb_acl;
	uint32_t max;
};
uint32_t probe_listener_add(const struct probe_listener_input *in,
	struct snapshot_listener *listeners, uint32_t nb_listeners);

// Index of the listener to probe `to` from: of the port's own address, else the service's.
// SNAPSHOT_NONE when there is none of its address family.
uint16_t probe_listener_find(const struct config_dataplane *dataplane,
	const struct snapshot *snapshot, uint16_t service, const struct endpoint *to);

#endif

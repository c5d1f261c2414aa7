// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_PORT_TRUST_H
#define CONTROL_PORT_TRUST_H

#include "config/config.h"
#include "dataplane/dispatch/snapshot.h"

// On which ports a packet with a backend's source address is believed to be from it: what
// dataplane.ports[].backends says. A source address is no proof, the port is.

struct port_trust_input {
	const struct config_dataplane *dataplane; // the ports as they run
	const struct config_dataplane *wanted; // whose `backends` counts, by the name of the port
	const struct snapshot_route *routes;
	uint32_t nb_routes;
};

// Fill in barred_ports of each backend.
void port_trust_apply(
	const struct port_trust_input *in, struct snapshot_backend *backends, uint32_t nb_backends);

#endif

// SPDX-License-Identifier: BSD-3-Clause
#include "control/port_trust.h"

#include "control/next_hop.h"

#include <string.h>

static enum config_port_backends wanted(const struct port_trust_input *in, uint32_t port)
{
	const struct config_port *running = &in->dataplane->ports[port];

	for (uint32_t i = 0; i < in->wanted->nb_ports; i++) {
		if (strcmp(in->wanted->ports[i].name, running->name) == 0)
			return in->wanted->ports[i].backends;
	}
	return running->backends;
}

static bool is_in_network(const struct config_port *port, const struct ip_addr *ip)
{
	for (uint32_t i = 0; i < port->nb_addresses; i++) {
		const struct config_prefix *net = &port->addresses[i];
		struct ip_addr prefix = {.family = net->addr.family};

		memcpy(prefix.octets, net->addr.ip, sizeof(prefix.octets));
		if (next_hop_covers(&prefix, net->length, ip))
			return true;
	}
	return false;
}

// Where packets to the backend would leave, and so where its own may come in.
static bool leads_to(const struct port_trust_input *in, uint32_t port, const struct ip_addr *ip)
{
	const struct snapshot_route *route = next_hop_find(in->routes, in->nb_routes, ip);

	if (is_in_network(&in->dataplane->ports[port], ip))
		return true;
	return route != NULL && (route->port == port || (route->also_ports >> port & 1) != 0);
}

static bool is_barred(const struct port_trust_input *in, uint32_t port, const struct ip_addr *ip)
{
	switch (wanted(in, port)) {
	case CONFIG_BACKENDS_NEVER:
		return true;
	case CONFIG_BACKENDS_ALLOWED:
		return false;
	default:
		// With one port there is nothing to tell them apart by.
		return in->dataplane->nb_ports > 1 && !leads_to(in, port, ip);
	}
}

void port_trust_apply(
	const struct port_trust_input *in, struct snapshot_backend *backends, uint32_t nb_backends)
{
	for (uint32_t i = 0; i < nb_backends; i++) {
		for (uint32_t k = 0; k < in->dataplane->nb_ports; k++) {
			if (is_barred(in, k, &backends[i].addr.ip))
				backends[i].barred_ports |= (uint16_t)(1u << k);
		}
	}
}

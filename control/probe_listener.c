// SPDX-License-Identifier: BSD-3-Clause
#include "control/probe_listener.h"

#include "control/next_hop.h"

#include <string.h>

#define PORTS_TRIED 16

// The first address of the family that the port has itself.
static bool port_address(const struct config_port *port, uint8_t family, struct ip_addr *ip)
{
	for (uint32_t i = 0; i < port->nb_addresses; i++) {
		if (port->addresses[i].addr.family != family)
			continue;
		*ip = (struct ip_addr){.family = family};
		memcpy(ip->octets, port->addresses[i].addr.ip, sizeof(ip->octets));
		return true;
	}
	return false;
}

static bool is_listened_on(
	const struct snapshot_listener *listeners, uint32_t nb, const struct ip_addr *ip)
{
	for (uint32_t i = 0; i < nb; i++) {
		if (ip_addr_eq(&listeners[i].local.ip, ip))
			return true;
	}
	return false;
}

// Ids have 16 bits, and one more listener must not break a file that is right.
static bool id_is_free(
	const struct snapshot_listener *listeners, uint32_t nb, const struct endpoint *local)
{
	uint16_t id = listener_id(local);

	for (uint32_t i = 0; i < nb; i++) {
		if (listener_id(&listeners[i].local) == id)
			return false;
	}
	return true;
}

uint32_t probe_listener_add(const struct probe_listener_input *in,
	struct snapshot_listener *listeners, uint32_t nb_listeners)
{
	for (uint32_t i = 0; i < in->nb_backends && nb_listeners < in->max; i++) {
		const struct snapshot_backend *backend = &in->backends[i];
		const struct snapshot_route *route =
			next_hop_find(in->routes, in->nb_routes, &backend->addr.ip);
		struct endpoint local = {.port = PROBE_LISTENER_PORT};

		if (route == NULL || route->port >= in->dataplane->nb_ports ||
			!port_address(&in->dataplane->ports[route->port], backend->addr.ip.family,
				&local.ip) ||
			is_listened_on(listeners, nb_listeners, &local.ip))
			continue;
		while (local.port < PROBE_LISTENER_PORT + PORTS_TRIED &&
			!id_is_free(listeners, nb_listeners, &local))
			local.port++;
		if (local.port == PROBE_LISTENER_PORT + PORTS_TRIED)
			continue;
		listeners[nb_listeners++] = (struct snapshot_listener){
			.local = local,
			.service = backend->service,
			.port = SNAPSHOT_NONE,
			.acl_allow = in->acl_first,
			.nb_acl_allow = in->nb_acl,
		};
	}
	return nb_listeners;
}

uint16_t probe_listener_find(const struct config_dataplane *dataplane,
	const struct snapshot *snapshot, uint16_t service, const struct endpoint *to)
{
	const struct snapshot_service *entry = snapshot_service(snapshot, service);
	const struct snapshot_route *route = next_hop_find(
		SNAPSHOT_AT(snapshot, routes, snapshot_route, 0), snapshot->routes.nb, &to->ip);
	struct ip_addr ip;

	if (route != NULL && route->port < dataplane->nb_ports &&
		port_address(&dataplane->ports[route->port], to->ip.family, &ip)) {
		for (uint16_t i = 0; i < snapshot->listeners.nb; i++) {
			if (ip_addr_eq(&snapshot_listener(snapshot, i)->local.ip, &ip))
				return i;
		}
	}
	return to->ip.family == 4 ? entry->listener_v4 : entry->listener_v6;
}

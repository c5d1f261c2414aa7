// SPDX-License-Identifier: BSD-3-Clause
#include "tests/dataplane/snapshot_fixture.h"

#include "tests/dispatch/build_snapshot.h"

#include <stdio.h>
#include <stdlib.h>

struct endpoint fixture_endpoint(const char *text)
{
	const char *colon = strrchr(text, ':');
	struct endpoint ep;

	if (colon == NULL ||
		ip_addr_parse((struct strv){text, (size_t)(colon - text)}, &ep.ip) != 0) {
		fprintf(stderr, "not an endpoint: %s\n", text);
		abort();
	}
	ep.port = (uint16_t)atoi(colon + 1);
	return ep;
}

static struct snapshot_route route(const char *prefix, uint8_t len, uint16_t port)
{
	struct snapshot_route r = {.prefix_len = len, .port = port};

	ip_addr_parse(strv_from(prefix), &r.prefix);
	return r;
}

// The address that is `i` above the base: in the last two octets, which stay clear of .0 and .255.
static struct endpoint nth(struct endpoint base, uint32_t i)
{
	uint8_t *last = base.ip.octets + (base.ip.family == 4 ? 4 : 16) - 1;
	uint32_t n = *last + i;

	last[-1] = (uint8_t)(last[-1] + n / 250);
	*last = (uint8_t)(n % 250 + (n >= 250));
	return base;
}

struct ip_addr fixture_gateway(uint32_t i)
{
	return nth(fixture_endpoint(FIXTURE_GATEWAY ":0"), i).ip;
}

struct ip_addr fixture_behind_gateway(uint32_t i, uint8_t last)
{
	return (struct ip_addr){
		.family = 4, .octets = {100, (uint8_t)(64 + i / 256), (uint8_t)i, last}};
}

static uint32_t make_routes(const struct snapshot_fixture *f, struct snapshot_route *routes)
{
	uint32_t nb = 0;

	routes[nb++] = route("198.51.100.0", 24, 0);
	routes[nb++] = route("10.20.0.0", 16, 1);
	routes[nb++] = route("2001:db8:1::", 64, 0);
	routes[nb++] = route("2001:db8:20::", 64, 1);
	for (uint32_t i = 0; i < f->nb_gateways; i++)
		routes[nb++] = (struct snapshot_route){.prefix = fixture_behind_gateway(i, 0),
			.prefix_len = 24,
			.port = 1,
			.gateway = fixture_gateway(i)};
	for (uint32_t i = 0; i < f->nb_more_routes; i++)
		routes[nb++] = f->more_routes[i];
	return nb;
}

static struct snapshot_backend *make_backends(const struct snapshot_fixture *f, uint32_t nb)
{
	struct snapshot_backend *backends = calloc(nb, sizeof(*backends));
	struct endpoint base = fixture_endpoint(f->v6 ? FIXTURE_BACKEND6
			: f->backend != NULL          ? f->backend
						      : FIXTURE_BACKEND4);

	for (uint32_t i = 0; i < nb; i++) {
		snprintf(backends[i].name, sizeof(backends[i].name), "b%04u", i);
		backends[i].addr = nth(base, i);
		backends[i].weight = 100;
		backends[i].counter = (uint16_t)i;
		backends[i].barred_ports = f->barred_ports;
	}
	return backends;
}

struct snapshot *snapshot_fixture_build(const struct snapshot_fixture *f)
{
	uint32_t nb_backends = f->nb_backends != 0 ? f->nb_backends : 1;
	uint16_t mtu = f->mtu != 0 ? f->mtu : 1500;
	struct snapshot_backend *backends = make_backends(f, nb_backends);
	struct snapshot_listener listeners[2] = {
		{.port = SNAPSHOT_NONE, .nb_acl_deny = f->deny_callers},
		{.port = SNAPSHOT_NONE},
	};
	struct snapshot_service service = {
		.name = "access",
		.flags = f->no_flags    ? 0
			: f->flags != 0 ? f->flags
					: SERVICE_REPLY_UNPARSABLE,
		.nb_backends = (uint16_t)nb_backends,
		.listener_v6 = 1,
		.source_rate = f->source_rate,
		.reply_rate = f->reply_rate,
		.max_message = f->max_message,
		.retry_after = 5,
	};
	struct snapshot_key key = {.id = 'a', .key = "the signing key!"};
	struct snapshot_port ports[2] = {{.name = "out", .mtu = mtu}, {.name = "in", .mtu = mtu}};
	struct snapshot_prefix deny = {.len = 24};
	struct snapshot_route routes[4 + FIXTURE_GATEWAYS_MAX + FIXTURE_MORE_ROUTES_MAX];
	struct snapshot_input in = {
		.generation = f->generation != 0 ? f->generation : 1,
		.table_key = "key of the table",
		.keys = &key,
		.nb_keys = 1,
		.ports = ports,
		.listeners = listeners,
		.services = &service,
		.backends = backends,
		.acl = &deny,
		.routes = routes,
		.nb_ports = 2,
		.nb_listeners = 2,
		.nb_services = 1,
		.nb_backends = nb_backends,
		.nb_acl = 1,
		.nb_routes = make_routes(f, routes),
	};
	struct snapshot *snap;

	ip_addr_parse(STRV("198.51.100.0"), &deny.ip);
	listeners[0].local = fixture_endpoint(f->listener != NULL ? f->listener : FIXTURE_VIP4);
	listeners[1].local = fixture_endpoint(FIXTURE_VIP6);
	snap = build_snapshot(&in);
	free(backends);
	return snap;
}

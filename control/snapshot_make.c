// SPDX-License-Identifier: BSD-3-Clause
#include "control/snapshot_make.h"

#include "control/port_trust.h"
#include "control/probe_listener.h"
#include "control/retired.h"
#include "control/table_key.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The order of parts->arrays.
enum part {
	PART_KEYS,
	PART_PORTS,
	PART_LISTENERS,
	PART_SERVICES,
	PART_BACKENDS,
	PART_ACL,
	PART_ROUTES
};

#define RETRY_AFTER_S 5

struct maker {
	const struct config *config;
	const struct snapshot_env *env;
	const struct config_dataplane *dataplane;
	struct snapshot_key *keys;
	struct snapshot_port *ports;
	struct snapshot_listener *listeners;
	struct snapshot_service *services;
	struct snapshot_backend *backends;
	struct snapshot_prefix *acl;
	struct snapshot_route *routes;
	uint32_t nb_listeners, nb_backends, nb_acl, nb_routes;
};

static void ip_from_config(struct ip_addr *ip, const struct config_addr *addr)
{
	memset(ip, 0, sizeof(*ip));
	ip->family = addr->family;
	memcpy(ip->octets, addr->ip, sizeof(ip->octets));
}

static bool prefix_covers(const struct config_prefix *prefix, const struct config_addr *addr)
{
	unsigned int octets = prefix->length / 8, bits = prefix->length % 8;

	if (prefix->addr.family != addr->family || memcmp(prefix->addr.ip, addr->ip, octets) != 0)
		return false;
	return bits == 0 ||
		((prefix->addr.ip[octets] ^ addr->ip[octets]) & (0xff00 >> bits) & 0xff) == 0;
}

// The port with an address in the same net; an address that is routed to us belongs to any.
static uint16_t owning_port(const struct maker *m, const struct config_addr *addr)
{
	for (uint32_t i = 0; i < m->dataplane->nb_ports; i++) {
		const struct config_port *port = &m->dataplane->ports[i];

		for (uint32_t k = 0; k < port->nb_addresses; k++) {
			if (prefix_covers(&port->addresses[k], addr))
				return (uint16_t)i;
		}
	}
	return SNAPSHOT_NONE;
}

static int compare_prefix(const void *a, const void *b)
{
	const struct snapshot_prefix *left = a, *right = b;

	if (left->len != right->len)
		return (int)right->len - (int)left->len;
	return memcmp(&left->ip, &right->ip, sizeof(left->ip));
}

static void make_acl(struct maker *m, const struct config_prefix *list, uint32_t nb,
	uint16_t *first, uint16_t *count)
{
	struct snapshot_prefix *out = m->acl + m->nb_acl;

	for (uint32_t i = 0; i < nb; i++) {
		ip_from_config(&out[i].ip, &list[i].addr);
		out[i].len = list[i].length;
	}
	if (nb > 0)
		qsort(out, nb, sizeof(*out), compare_prefix);
	*first = (uint16_t)m->nb_acl;
	*count = (uint16_t)nb;
	m->nb_acl += nb;
}

static void make_listeners(struct maker *m, const struct config_service *config, uint16_t index,
	struct snapshot_service *service)
{
	service->listener_v4 = service->listener_v6 = SNAPSHOT_NONE;
	for (uint32_t i = 0; i < config->nb_listen; i++) {
		const struct config_listener *from = &config->listen[i];
		struct snapshot_listener *to = &m->listeners[m->nb_listeners];
		uint16_t *of_family =
			from->address.family == 4 ? &service->listener_v4 : &service->listener_v6;

		ip_from_config(&to->local.ip, &from->address);
		to->local.port = from->port;
		to->service = index;
		to->port = owning_port(m, &from->address);
		make_acl(m, from->acl.allow, from->acl.nb_allow, &to->acl_allow, &to->nb_acl_allow);
		make_acl(m, from->acl.deny, from->acl.nb_deny, &to->acl_deny, &to->nb_acl_deny);
		if (*of_family == SNAPSHOT_NONE)
			*of_family = (uint16_t)m->nb_listeners;
		m->nb_listeners++;
	}
}

static int compare_backend(const void *a, const void *b)
{
	const struct snapshot_backend *left = a, *right = b;

	return strcmp(left->name, right->name);
}

// In no row, because their weight is 0: only what carries their token goes there.
static void add_retired(struct maker *m, const struct service *running, uint16_t index,
	struct snapshot_service *service)
{
	for (uint32_t i = 0; i < running->nb_retired && m->nb_backends < SNAPSHOT_BACKENDS_MAX;
		i++) {
		const struct retired *from = &running->retired[i];
		struct snapshot_backend *to = &m->backends[m->nb_backends++];

		memcpy(to->name, from->name, sizeof(from->name));
		to->addr = from->addr;
		to->service = index;
		to->counter = from->counter;
		service->nb_backends++;
	}
}

static void make_backends(struct maker *m, const struct config_service *config, uint16_t index,
	struct snapshot_service *service)
{
	const struct service *running = m->env->control != NULL
		? control_find_service(m->env->control, config->name)
		: NULL;
	struct snapshot_backend *first = m->backends + m->nb_backends;

	for (uint32_t i = 0; i < config->nb_backends; i++) {
		const struct config_backend *from = &config->backends[i];
		struct snapshot_backend *to = &first[i];
		const struct backend *backend =
			running != NULL ? service_find_backend(running, from->name) : NULL;

		snprintf(to->name, sizeof(to->name), "%s", from->name);
		ip_from_config(&to->addr.ip, &from->address);
		to->addr.port = from->port;
		to->service = index;
		to->weight = backend != NULL ? backend->weight : from->weight;
		to->counter = backend != NULL ? backend->counter : (uint16_t)(m->nb_backends + i);
	}
	m->nb_backends += config->nb_backends;
	service->nb_backends = (uint16_t)config->nb_backends;
	if (running != NULL)
		add_retired(m, running, index, service);
	qsort(first, service->nb_backends, sizeof(*first), compare_backend);
}

static uint8_t service_flags(const struct config_service *config)
{
	uint8_t flags = 0;

	if (config->record_route)
		flags |= SERVICE_RECORD_ROUTE;
	if (config->path)
		flags |= SERVICE_PATH;
	if (config->affinity == CONFIG_AFFINITY_REGISTRATION)
		flags |= SERVICE_AFFINITY_REGISTRATION;
	if (config->limits.unparsable == CONFIG_UNPARSABLE_REPLY)
		flags |= SERVICE_REPLY_UNPARSABLE;
	if (config->when_all_down == CONFIG_ALL_DOWN_DROP)
		flags |= SERVICE_DROP_WHEN_DOWN;
	return flags;
}

static void make_service(struct maker *m, uint16_t index)
{
	static const uint8_t hash_keys[] = {
		[CONFIG_HASH_CALL_ID] = HASH_CALL_ID,
		[CONFIG_HASH_FROM_AOR] = HASH_FROM_AOR,
		[CONFIG_HASH_TO_AOR] = HASH_TO_AOR,
		[CONFIG_HASH_SOURCE_IP] = HASH_SOURCE_IP,
	};
	const struct config_service *config = &m->config->services[index];
	struct snapshot_service *service = &m->services[index];
	const struct service *running = NULL;

	if (m->env->control != NULL)
		running = control_find_service(m->env->control, config->name);
	snprintf(service->name, sizeof(service->name), "%s", config->name);
	service->mode = SERVICE_PROXY;
	service->hash_key = hash_keys[config->hash.key];
	service->register_hash_key = hash_keys[config->hash.register_key];
	service->flags = service_flags(config);
	service->backend_first = (uint16_t)m->nb_backends;
	service->source_rate = config->limits.source_rate;
	service->reply_rate = config->limits.reply_rate;
	service->max_message = config->limits.max_message_bytes;
	service->max_header_bytes = config->limits.max_header_bytes;
	service->max_headers = (uint16_t)config->limits.max_headers;
	service->retry_after = RETRY_AFTER_S;
	service->counter = running != NULL ? running->counter : index;
	make_listeners(m, config, index, service);
	make_backends(m, config, index, service);
}

static uint16_t find_key(const struct snapshot_input *in, char id)
{
	for (uint16_t i = 0; i < in->nb_keys; i++) {
		if (in->keys[i].id == id)
			return i;
	}
	return SNAPSHOT_NONE;
}

static void make_keys(struct maker *m, struct snapshot_input *in)
{
	const struct config_cluster_keys *config = &m->config->cluster_keys;
	const struct snapshot *prev = m->env->prev;
	const uint8_t *secret;

	in->keys = m->keys;
	if (m->config->has_keys) {
		for (uint32_t i = 0; i < config->nb_keys; i++) {
			m->keys[i].id = config->keys[i].id;
			memcpy(m->keys[i].key, config->keys[i].secret, CONFIG_KEY_SIZE);
		}
		in->nb_keys = (uint16_t)config->nb_keys;
		in->primary_key = find_key(in, config->primary);
	} else {
		m->keys[0] = m->env->made_up != NULL ? *m->env->made_up
						     : (struct snapshot_key){.id = 'a'};
		in->nb_keys = 1;
	}
	secret = table_key_secret(m->config);
	table_key_make(
		secret != NULL ? secret : m->keys[0].key, m->config->node.cluster, in->table_key);

	// A transaction that began under the old key ends under it: its CANCEL and ACK need the
	// INVITE's branch.
	in->prev_primary_key = in->primary_key;
	if (prev != NULL) {
		char id = prev->keys[prev->primary_key].id;
		uint64_t until = m->env->now_ms + SNAPSHOT_WINDOW_MS;

		if (id == m->keys[in->primary_key].id) {
			id = prev->keys[prev->prev_primary_key].id;
			until = prev->prev_key_until_ms;
		}
		if (id != m->keys[in->primary_key].id && until > m->env->now_ms &&
			find_key(in, id) != SNAPSHOT_NONE) {
			in->prev_primary_key = find_key(in, id);
			in->prev_key_until_ms = until;
		}
	}
}

static bool has_route(const struct maker *m, const struct snapshot_route *route)
{
	for (uint32_t i = 0; i < m->nb_routes; i++) {
		const struct snapshot_route *other = &m->routes[i];

		if (other->prefix_len == route->prefix_len &&
			ip_addr_eq(&other->prefix, &route->prefix))
			return true;
	}
	return false;
}

static void mask_ip(struct ip_addr *ip, uint8_t len)
{
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int bits = len > 8 * i ? len - 8 * i : 0;

		if (bits < 8)
			ip->octets[i] &= (uint8_t)(0xff00 >> bits);
	}
}

// The kernel's routes count; what the file says about nets and gateways is there from the first
// moment, and with ports that have no twin it is all there is.
static void make_routes(struct maker *m)
{
	for (uint32_t i = 0; i < m->env->nb_routes; i++)
		m->routes[m->nb_routes++] = m->env->routes[i];
	for (uint32_t i = 0; i < m->dataplane->nb_ports; i++) {
		const struct config_port *port = &m->dataplane->ports[i];

		for (uint32_t k = 0; k < port->nb_addresses; k++) {
			struct snapshot_route route = {.port = (uint16_t)i};

			ip_from_config(&route.prefix, &port->addresses[k].addr);
			route.prefix_len = port->addresses[k].length;
			mask_ip(&route.prefix, route.prefix_len);
			if (!has_route(m, &route))
				m->routes[m->nb_routes++] = route;
		}
		for (uint32_t k = 0; k < port->nb_gateway; k++) {
			struct snapshot_route route = {.port = (uint16_t)i};

			ip_from_config(&route.gateway, &port->gateway[k]);
			route.prefix.family = route.gateway.family;
			if (!has_route(m, &route))
				m->routes[m->nb_routes++] = route;
		}
	}
}

static void make_ports(struct maker *m)
{
	for (uint32_t i = 0; i < m->dataplane->nb_ports; i++) {
		snprintf(m->ports[i].name, sizeof(m->ports[i].name), "%s",
			m->dataplane->ports[i].name);
		m->ports[i].mtu = m->dataplane->ports[i].mtu;
	}
}

// The access list of the probes' listeners, each address once, and the listeners.
static void make_probe_listeners(struct maker *m)
{
	struct probe_listener_input in = {
		.dataplane = m->dataplane,
		.routes = m->routes,
		.nb_routes = m->nb_routes,
		.backends = m->backends,
		.nb_backends = m->nb_backends,
		.acl_first = (uint16_t)m->nb_acl,
		.max = SNAPSHOT_LISTENERS_MAX,
	};
	struct snapshot_prefix *list = m->acl + m->nb_acl;

	for (uint32_t i = 0; i < m->nb_backends; i++) {
		list[i].ip = m->backends[i].addr.ip;
		list[i].len = list[i].ip.family == 4 ? 32 : 128;
	}
	qsort(list, m->nb_backends, sizeof(*list), compare_prefix);
	for (uint32_t i = 0; i < m->nb_backends; i++) {
		if (in.nb_acl == 0 || compare_prefix(&list[in.nb_acl - 1], &list[i]) != 0)
			list[in.nb_acl++] = list[i];
	}
	m->nb_acl += in.nb_acl;
	m->nb_listeners = probe_listener_add(&in, m->listeners, m->nb_listeners);
}

static uint32_t nb_retired(const struct snapshot_env *env, const char *name)
{
	const struct service *running =
		env->control != NULL ? control_find_service(env->control, name) : NULL;

	return running != NULL ? running->nb_retired : 0;
}

// Room for everything; +1 so that an empty array is not NULL.
static int allocate(struct maker *m, struct snapshot_parts *parts)
{
	uint32_t nb_listeners = 0, nb_backends = 0, nb_acl = 0, nb_routes = m->env->nb_routes;
	uint32_t nb_configured = 0;

	for (uint32_t i = 0; i < m->config->nb_services; i++) {
		const struct config_service *service = &m->config->services[i];

		nb_listeners += service->nb_listen;
		nb_configured += service->nb_backends;
		nb_backends += service->nb_backends + nb_retired(m->env, service->name);
		for (uint32_t k = 0; k < service->nb_listen; k++)
			nb_acl += service->listen[k].acl.nb_allow + service->listen[k].acl.nb_deny;
	}
	for (uint32_t i = 0; i < m->dataplane->nb_ports; i++)
		nb_routes +=
			m->dataplane->ports[i].nb_addresses + m->dataplane->ports[i].nb_gateway;
	// For the probes: each backend in an access list, a listener for each port and family.
	nb_acl += nb_backends;
	if (nb_acl >= UINT16_MAX || nb_listeners > SNAPSHOT_LISTENERS_MAX ||
		nb_configured > SNAPSHOT_BACKENDS_MAX)
		return -E2BIG;

	parts->arrays[PART_KEYS] = m->keys = calloc(SNAPSHOT_KEYS_MAX, sizeof(*m->keys));
	parts->arrays[PART_PORTS] = m->ports =
		calloc(m->dataplane->nb_ports + 1, sizeof(*m->ports));
	parts->arrays[PART_LISTENERS] = m->listeners =
		calloc(SNAPSHOT_LISTENERS_MAX, sizeof(*m->listeners));
	parts->arrays[PART_SERVICES] = m->services =
		calloc(m->config->nb_services + 1, sizeof(*m->services));
	parts->arrays[PART_BACKENDS] = m->backends = calloc(nb_backends + 1, sizeof(*m->backends));
	parts->arrays[PART_ACL] = m->acl = calloc(nb_acl + 1, sizeof(*m->acl));
	parts->arrays[PART_ROUTES] = m->routes = calloc(nb_routes + 1, sizeof(*m->routes));
	for (unsigned int i = PART_KEYS; i <= PART_ROUTES; i++) {
		if (parts->arrays[i] == NULL)
			return -ENOMEM;
	}
	return 0;
}

int snapshot_parts_make(
	const struct config *config, const struct snapshot_env *env, struct snapshot_parts *parts)
{
	struct maker m = {
		.config = config,
		.env = env,
		.dataplane = env->dataplane != NULL ? env->dataplane : &config->dataplane,
	};
	struct snapshot_input *in = &parts->input;
	int rc;

	*parts = (struct snapshot_parts){0};
	rc = allocate(&m, parts);
	if (rc < 0) {
		snapshot_parts_fini(parts);
		return rc;
	}
	in->generation = env->generation;
	in->config_digest = config->digest;
	in->prev = env->prev;
	in->now_ms = env->now_ms;
	in->prev_until_ms = env->now_ms + SNAPSHOT_WINDOW_MS;
	make_keys(&m, in);
	make_ports(&m);
	make_routes(&m);
	for (uint32_t i = 0; i < config->nb_services; i++)
		make_service(&m, (uint16_t)i);

	port_trust_apply(
		&(struct port_trust_input){
			.dataplane = m.dataplane,
			.wanted = &config->dataplane,
			.routes = m.routes,
			.nb_routes = m.nb_routes,
		},
		m.backends, m.nb_backends);
	make_probe_listeners(&m);

	in->ports = m.ports;
	in->nb_ports = m.dataplane->nb_ports;
	in->listeners = m.listeners;
	in->nb_listeners = m.nb_listeners;
	in->services = m.services;
	in->nb_services = config->nb_services;
	in->backends = m.backends;
	in->nb_backends = m.nb_backends;
	in->acl = m.acl;
	in->nb_acl = m.nb_acl;
	in->routes = m.routes;
	in->nb_routes = m.nb_routes;
	return 0;
}

void snapshot_parts_fini(struct snapshot_parts *parts)
{
	for (unsigned int i = 0; i < sizeof(parts->arrays) / sizeof(parts->arrays[0]); i++)
		free(parts->arrays[i]);
	*parts = (struct snapshot_parts){0};
}

int snapshot_parts_build(const struct snapshot_parts *parts, struct snapshot **snapshot)
{
	size_t size = snapshot_build_size(&parts->input);
	void *blob;
	int rc;

	if (size == 0)
		return -errno;
	blob = aligned_alloc(64, (size + 63) & ~(size_t)63);
	if (blob == NULL)
		return -ENOMEM;
	memset(blob, 0, size);
	rc = snapshot_build(&parts->input, blob, size);
	if (rc < 0) {
		free(blob);
		return rc;
	}
	*snapshot = blob;
	return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
#include "config/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TWIN_MAX 15 // IFNAMSIZ without its NUL
#define TWIN_PREFIX_LEN 3 // "sx-"
#define IPV6_MTU_MIN 1280 // RFC 8200 section 5

void check_format_addr(const struct config_addr *addr, uint16_t port, char *buf, size_t size)
{
	char text[INET6_ADDRSTRLEN];

	buf[0] = '\0';
	if (addr->family == 0)
		return;
	inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->ip, text, sizeof(text));
	if (port == 0)
		snprintf(buf, size, "%s", text);
	else
		snprintf(buf, size, addr->family == 4 ? "%s:%u" : "[%s]:%u", text, port);
}

// Pointers into the array of values: equal ones in the order of the file.
static int compare_values(const void *a, const void *b)
{
	const struct check_value *x = *(const struct check_value *const *)a;
	const struct check_value *y = *(const struct check_value *const *)b;
	int order = strcmp(x->text, y->text);

	return order != 0 ? order : x < y ? -1 : x > y;
}

void check_unique(struct check_value *values, size_t nb_values, struct document *doc)
{
	const struct check_value **sorted =
		calloc(nb_values + 1, sizeof(const struct check_value *));

	if (sorted == NULL) {
		document_report(doc, "", "out of memory");
		return;
	}
	for (size_t i = 0; i < nb_values; i++)
		sorted[i] = &values[i];
	qsort(sorted, nb_values, sizeof(const struct check_value *), compare_values);
	for (size_t i = 1; i < nb_values; i++) {
		struct strbuf shown = {0};
		struct mark mark;

		if (sorted[i]->text[0] == '\0' || strcmp(sorted[i]->text, sorted[i - 1]->text) != 0)
			continue;
		mark = document_locate(doc, sorted[i - 1]->path, &shown);
		strbuf_fini(&shown);
		document_report(doc, sorted[i]->path, "\"%s\" is already used at line %u",
			sorted[i]->text, mark.line);
	}
	free(sorted);
}

static bool same_network(const struct config_prefix *network, const struct config_addr *addr)
{
	unsigned int octets = network->length / 8, bits = network->length % 8;

	if (network->addr.family != addr->family || memcmp(network->addr.ip, addr->ip, octets) != 0)
		return false;
	return bits == 0 || (network->addr.ip[octets] ^ addr->ip[octets]) >> (8 - bits) == 0;
}

bool check_is_link_local(const struct config_addr *addr)
{
	return addr->family == 6 && addr->ip[0] == 0xfe && (addr->ip[1] & 0xc0) == 0x80;
}

static void check_gateways(const struct config_port *port, uint32_t i, struct document *doc)
{
	for (uint32_t g = 0; g < port->nb_gateway; g++) {
		const struct config_addr *gateway = &port->gateway[g];
		char path[64], text[64];
		// A port without addresses has no network to compare with.
		bool reachable = check_is_link_local(gateway) || gateway->family == 0 ||
			port->nb_addresses == 0;

		snprintf(path, sizeof(path), "dataplane.ports[%u].gateway[%u]", i, g);
		check_format_addr(gateway, 0, text, sizeof(text));
		for (uint32_t a = 0; a < port->nb_addresses; a++)
			reachable |= same_network(&port->addresses[a], gateway) ||
				port->addresses[a].addr.family == 0;
		if (!reachable)
			document_report(doc, path,
				"\"%s\" is in no network of this port, allowed: an address in a "
				"network of \"addresses\"",
				text);
		if (g > 0 && gateway->family != 0 && gateway->family == port->gateway[0].family)
			document_report(doc, path,
				"\"%s\" is a second IPv%u gateway, allowed: one for each family",
				text, gateway->family);
	}
}

static void check_port(const struct config_port *port, uint32_t i, struct document *doc)
{
	char path[64];

	snprintf(path, sizeof(path), "dataplane.ports[%u].twin", i);
	if (port->name != NULL && !document_has(doc, path) &&
		strlen(port->name) > TWIN_MAX - TWIN_PREFIX_LEN) {
		snprintf(path, sizeof(path), "dataplane.ports[%u].name", i);
		document_report(doc, path,
			"\"%s\" is too long to name the port's twin \"sx-%s\", allowed: 12 octets, "
			"or "
			"a \"twin\"",
			port->name, port->name);
	}
	for (uint32_t a = 0; a < port->nb_addresses; a++) {
		if (port->addresses[a].addr.family != 6 || port->mtu == 0 ||
			port->mtu >= IPV6_MTU_MIN)
			continue;
		snprintf(path, sizeof(path), "dataplane.ports[%u].mtu", i);
		document_report(doc, path,
			"\"%u\" is out of range with an IPv6 address, allowed: 1280..9600",
			port->mtu);
	}
	check_gateways(port, i, doc);
}

static void add_value(struct check_value *value, const char *text, const char *fmt, uint32_t i)
{
	snprintf(value->text, sizeof(value->text), "%s", text != NULL ? text : "");
	snprintf(value->path, sizeof(value->path), fmt, i);
}

// Whether an earlier port has the same name.
static bool has_used_name(const struct config_dataplane *dataplane, uint32_t i)
{
	const char *name = dataplane->ports[i].name;

	for (uint32_t j = 0; j < i && name != NULL; j++) {
		if (dataplane->ports[j].name != NULL && strcmp(dataplane->ports[j].name, name) == 0)
			return true;
	}
	return false;
}

// Names, devices, twins and addresses of the ports are each unique.
static int check_ports_unique(const struct config_dataplane *dataplane, struct document *doc)
{
	size_t nb_addresses = 0;
	struct check_value *values;

	for (uint32_t i = 0; i < dataplane->nb_ports; i++)
		nb_addresses += dataplane->ports[i].nb_addresses;
	values = calloc(nb_addresses + CONFIG_PORTS_MAX, sizeof(*values));
	if (values == NULL)
		return -ENOMEM;

	for (uint32_t i = 0; i < dataplane->nb_ports; i++)
		add_value(&values[i], dataplane->ports[i].name, "dataplane.ports[%u].name", i);
	check_unique(values, dataplane->nb_ports, doc);
	for (uint32_t i = 0; i < dataplane->nb_ports; i++)
		add_value(&values[i], dataplane->ports[i].device, "dataplane.ports[%u].device", i);
	check_unique(values, dataplane->nb_ports, doc);
	// The same name makes the same twin: one error is enough.
	for (uint32_t i = 0; i < dataplane->nb_ports; i++)
		add_value(&values[i], has_used_name(dataplane, i) ? NULL : dataplane->ports[i].twin,
			"dataplane.ports[%u].twin", i);
	check_unique(values, dataplane->nb_ports, doc);

	nb_addresses = 0;
	for (uint32_t i = 0; i < dataplane->nb_ports; i++) {
		const struct config_port *port = &dataplane->ports[i];

		for (uint32_t a = 0; a < port->nb_addresses; a++) {
			struct check_value *value = &values[nb_addresses++];

			check_format_addr(
				&port->addresses[a].addr, 0, value->text, sizeof(value->text));
			snprintf(value->path, sizeof(value->path),
				"dataplane.ports[%u].addresses[%u]", i, a);
		}
	}
	check_unique(values, nb_addresses, doc);
	free(values);
	return 0;
}

static int check_dataplane(const struct config_dataplane *dataplane, struct document *doc)
{
	const struct config_reassembly *reassembly = &dataplane->reassembly;

	for (uint32_t i = 0; i < dataplane->nb_ports; i++)
		check_port(&dataplane->ports[i], i, doc);
	if (reassembly->flows > 0 && reassembly->per_source > reassembly->flows)
		document_report(doc, "dataplane.reassembly.per_source",
			"\"%u\" is more than \"flows\", allowed: 1..%u", reassembly->per_source,
			reassembly->flows);
	return check_ports_unique(dataplane, doc);
}

static void check_keys(const struct config_cluster_keys *keys, struct document *doc)
{
	struct check_value values[CONFIG_KEYS_MAX];
	bool known = keys->nb_keys == 0 || keys->primary == 0;

	for (uint32_t i = 0; i < keys->nb_keys; i++) {
		char id[2] = {keys->keys[i].id, '\0'};

		add_value(&values[i], id, "cluster_keys.keys[%u].id", i);
		known |= keys->keys[i].id == keys->primary || keys->keys[i].id == 0;
	}
	check_unique(values, keys->nb_keys, doc);
	if (!known)
		document_report(doc, "cluster_keys.primary",
			"\"%c\" is not in \"keys\", allowed: the id of one of them", keys->primary);
}

static void check_redis(const struct config_redis *redis, struct document *doc)
{
	bool sentinel = document_has(doc, "redis.sentinel");
	bool address = document_has(doc, "redis.address");

	if (!redis->enabled)
		return;
	if (sentinel == address)
		document_report(doc, "redis", "has %s, needed: one of \"address\" and \"sentinel\"",
			sentinel ? "two masters" : "no master");
	if (redis->username != NULL && !document_has(doc, "redis.password_file"))
		document_report(doc, "redis.username",
			"found without a password, needed: \"password_file\"");
	if (redis->lease_ms > 0 && redis->publish_interval_ms >= redis->lease_ms)
		document_report(doc,
			document_has(doc, "redis.publish_interval") ? "redis.publish_interval"
								    : "redis.lease",
			"the node would lose its lease between two reports, allowed: "
			"\"publish_interval\" less than \"lease\"");
}

// Listeners of all services: one socket each.
static int check_listeners(const struct config *config, struct document *doc)
{
	size_t nb = 0, nb_listeners = 0;
	struct check_value *values;

	for (uint32_t i = 0; i < config->nb_services; i++)
		nb_listeners += config->services[i].nb_listen;
	if (nb_listeners > CONFIG_LISTENERS_MAX)
		document_report(doc, "services", "has %zu listeners in all, allowed: %u",
			nb_listeners, CONFIG_LISTENERS_MAX);
	values = calloc(nb_listeners + 1, sizeof(*values));
	if (values == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < config->nb_services; i++) {
		const struct config_service *service = &config->services[i];

		for (uint32_t l = 0; l < service->nb_listen; l++) {
			struct check_value *value = &values[nb++];

			if (service->listen[l].port != 0)
				check_format_addr(&service->listen[l].address,
					service->listen[l].port, value->text, sizeof(value->text));
			snprintf(value->path, sizeof(value->path),
				"services[%u].listen[%u].address", i, l);
		}
	}
	check_unique(values, nb, doc);
	free(values);
	return 0;
}

static int check_services(const struct config *config, struct document *doc)
{
	struct check_value *names = calloc((size_t)config->nb_services + 1, sizeof(*names));
	size_t nb_backends = 0;
	int ret = 0;

	if (names == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < config->nb_services; i++) {
		add_value(&names[i], config->services[i].name, "services[%u].name", i);
		nb_backends += config->services[i].nb_backends;
	}
	check_unique(names, config->nb_services, doc);
	free(names);
	if (nb_backends > CONFIG_BACKENDS_MAX)
		document_report(doc, "services", "has %zu backends in all, allowed: %u",
			nb_backends, CONFIG_BACKENDS_MAX);
	for (uint32_t i = 0; i < config->nb_services && ret == 0; i++)
		ret = check_service(config, i, doc);
	return ret;
}

int check_config(const struct config *config, struct document *doc)
{
	int ret = check_dataplane(&config->dataplane, doc);

	if (ret == 0)
		ret = check_listeners(config, doc);
	if (ret == 0)
		ret = check_services(config, doc);
	check_keys(&config->cluster_keys, doc);
	check_redis(&config->redis, doc);
	return ret;
}

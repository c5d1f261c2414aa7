// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct route_group { // routes of one family and prefix length
	uint32_t first, nb;
	uint8_t family, len;
};

struct route_table {
	struct route_group *groups; // longest first
	const struct snapshot_route **routes; // by group, sorted by prefix within it
	uint32_t nb_groups;
};

// Order: longest prefix first, IPv4 before IPv6, then by address.
static int compare(const void *a, const void *b)
{
	const struct snapshot_route *x = *(const struct snapshot_route *const *)a;
	const struct snapshot_route *y = *(const struct snapshot_route *const *)b;

	if (x->prefix_len != y->prefix_len)
		return x->prefix_len > y->prefix_len ? -1 : 1;
	if (x->prefix.family != y->prefix.family)
		return x->prefix.family < y->prefix.family ? -1 : 1;
	return memcmp(x->prefix.octets, y->prefix.octets, sizeof(x->prefix.octets));
}

static void mask(struct ip_addr *ip, unsigned int len)
{
	unsigned int octet = len / 8;

	if (octet >= sizeof(ip->octets))
		return;
	ip->octets[octet] &= (uint8_t)(0xff00 >> len % 8);
	memset(ip->octets + octet + 1, 0, sizeof(ip->octets) - octet - 1);
}

struct route_table *route_table_create(const struct snapshot *snap)
{
	uint32_t nb = snap->routes.nb;
	struct route_table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->routes = calloc(nb + 1, sizeof(*table->routes));
	table->groups = calloc(nb + 1, sizeof(*table->groups));
	if (table->routes == NULL || table->groups == NULL) {
		route_table_destroy(table);
		errno = ENOMEM;
		return NULL;
	}
	for (uint32_t i = 0; i < nb; i++)
		table->routes[i] = SNAPSHOT_AT(snap, routes, snapshot_route, i);
	qsort(table->routes, nb, sizeof(*table->routes), compare);

	for (uint32_t i = 0; i < nb; i++) {
		const struct snapshot_route *route = table->routes[i];
		struct route_group *group = &table->groups[table->nb_groups];

		if (i == 0 || group[-1].family != route->prefix.family ||
			group[-1].len != route->prefix_len) {
			*group = (struct route_group){
				.first = i,
				.family = route->prefix.family,
				.len = route->prefix_len,
			};
			table->nb_groups++;
			group++;
		}
		group[-1].nb++;
	}
	return table;
}

void route_table_destroy(struct route_table *table)
{
	if (table == NULL)
		return;
	free(table->routes);
	free(table->groups);
	free(table);
}

const struct snapshot_route *route_find(const struct route_table *table, const struct ip_addr *ip)
{
	struct ip_addr masked = *ip;

	// Groups get shorter and shorter, so masking accumulates.
	for (uint32_t i = 0; i < table->nb_groups; i++) {
		const struct route_group *group = &table->groups[i];
		const struct snapshot_route *const *routes =
			(const struct snapshot_route *const *)table->routes + group->first;
		uint32_t low = 0, high = group->nb;

		if (group->family != ip->family)
			continue;
		mask(&masked, group->len);
		while (low < high) {
			uint32_t mid = (low + high) / 2;
			int order = memcmp(
				routes[mid]->prefix.octets, masked.octets, sizeof(masked.octets));

			if (order == 0)
				return routes[mid];
			if (order < 0)
				low = mid + 1;
			else
				high = mid;
		}
	}
	return NULL;
}

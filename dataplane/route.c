// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route.h"

#include <arpa/inet.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

// Up to so many IPv4 routes are looked at one by one.
#define FEW 16
#define AT_ONCE 4

struct route_group { // routes of one prefix length
	uint32_t first, nb;
	uint8_t len;
};

// Routes of one family, longest prefix first, then by address.
struct route_family {
	struct route_group *groups;
	uint32_t nb_groups;
	const struct snapshot_route **routes;
	uint32_t nb;
	// IPv4, host byte order: of each route, and of AT_ONCE more that cover no address.
	uint32_t *prefixes, *masks;
};

struct route_table {
	struct route_family v4, v6;
};

static int compare(const void *a, const void *b)
{
	const struct snapshot_route *x = *(const struct snapshot_route *const *)a;
	const struct snapshot_route *y = *(const struct snapshot_route *const *)b;

	if (x->prefix_len != y->prefix_len)
		return x->prefix_len > y->prefix_len ? -1 : 1;
	return memcmp(x->prefix.octets, y->prefix.octets, sizeof(x->prefix.octets));
}

static uint32_t ipv4_of(const struct ip_addr *ip)
{
	uint32_t word;

	memcpy(&word, ip->octets, sizeof(word));
	return ntohl(word);
}

// The bits that all addresses of an IPv4 prefix have in common.
static uint32_t mask_v4(uint8_t len)
{
	return (uint32_t)(UINT64_C(0xffffffff) << (32 - len));
}

static int family_create(struct route_family *f, const struct snapshot *snap, uint8_t family)
{
	uint32_t nb = 0, room = snap->routes.nb + AT_ONCE;

	f->routes = calloc(snap->routes.nb + 1, sizeof(*f->routes));
	f->groups = calloc(snap->routes.nb + 1, sizeof(*f->groups));
	f->prefixes = malloc(room * sizeof(*f->prefixes));
	f->masks = calloc(room, sizeof(*f->masks));
	if (f->routes == NULL || f->groups == NULL || f->prefixes == NULL || f->masks == NULL)
		return -ENOMEM;
	// Not 0, which is what a mask of 0 leaves of any address.
	memset(f->prefixes, 0xff, room * sizeof(*f->prefixes));
	for (uint32_t i = 0; i < snap->routes.nb; i++) {
		const struct snapshot_route *route = SNAPSHOT_AT(snap, routes, snapshot_route, i);

		if (route->prefix.family == family)
			f->routes[nb++] = route;
	}
	f->nb = nb;
	qsort(f->routes, nb, sizeof(*f->routes), compare);
	for (uint32_t i = 0; i < nb; i++) {
		uint8_t len = f->routes[i]->prefix_len;

		if (i == 0 || f->groups[f->nb_groups - 1].len != len)
			f->groups[f->nb_groups++] = (struct route_group){.first = i, .len = len};
		f->groups[f->nb_groups - 1].nb++;
		if (family == 4) {
			f->prefixes[i] = ipv4_of(&f->routes[i]->prefix);
			f->masks[i] = mask_v4(len);
		}
	}
	return 0;
}

static void family_destroy(struct route_family *f)
{
	free(f->routes);
	free(f->groups);
	free(f->prefixes);
	free(f->masks);
}

struct route_table *route_table_create(const struct snapshot *snap)
{
	struct route_table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	if (family_create(&table->v4, snap, 4) != 0 || family_create(&table->v6, snap, 6) != 0) {
		route_table_destroy(table);
		errno = ENOMEM;
		return NULL;
	}
	return table;
}

void route_table_destroy(struct route_table *table)
{
	if (table == NULL)
		return;
	family_destroy(&table->v4);
	family_destroy(&table->v6);
	free(table);
}

// Which of the AT_ONCE routes from `first` on cover an address, a bit each.
static inline unsigned int cover(const struct route_family *f, uint32_t first, uint32_t ip)
{
#ifdef __SSE2__
	__m128i masks = _mm_loadu_si128((const __m128i *)(const void *)&f->masks[first]);
	__m128i prefixes = _mm_loadu_si128((const __m128i *)(const void *)&f->prefixes[first]);
	__m128i masked = _mm_and_si128(_mm_set1_epi32((int)ip), masks);

	return (unsigned int)_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(masked, prefixes)));
#else
	unsigned int bits = 0;

	for (unsigned int i = 0; i < AT_ONCE; i++)
		bits |= (unsigned int)((ip & f->masks[first + i]) == f->prefixes[first + i]) << i;
	return bits;
#endif
}

static const struct snapshot_route *find_few(const struct route_family *f, uint32_t ip)
{
	for (uint32_t first = 0; first < f->nb; first += AT_ONCE) {
		unsigned int bits = cover(f, first, ip);

		if (bits != 0)
			return f->routes[first + (unsigned int)__builtin_ctz(bits)];
	}
	return NULL;
}

static const struct snapshot_route *find_v4(const struct route_family *f, uint32_t ip)
{
	if (f->nb <= FEW)
		return find_few(f, ip);
	for (uint32_t i = 0; i < f->nb_groups; i++) {
		const struct route_group *group = &f->groups[i];
		const uint32_t *prefixes = f->prefixes + group->first;
		uint32_t key = ip & f->masks[group->first];
		uint32_t low = 0, nb = group->nb;

		// The last one that is not greater, without a branch on the outcome.
		for (; nb > 1; nb -= nb / 2)
			low = prefixes[low + nb / 2] <= key ? low + nb / 2 : low;
		if (prefixes[low] == key)
			return f->routes[group->first + low];
	}
	return NULL;
}

static void mask(struct ip_addr *ip, unsigned int len)
{
	unsigned int octet = len / 8;

	if (octet >= sizeof(ip->octets))
		return;
	ip->octets[octet] &= (uint8_t)(0xff00 >> len % 8);
	memset(ip->octets + octet + 1, 0, sizeof(ip->octets) - octet - 1);
}

static const struct snapshot_route *find_v6(const struct route_family *f, const struct ip_addr *ip)
{
	struct ip_addr masked = *ip;

	// Groups get shorter and shorter, so masking accumulates.
	for (uint32_t i = 0; i < f->nb_groups; i++) {
		const struct route_group *group = &f->groups[i];
		uint32_t low = group->first, high = group->first + group->nb;

		mask(&masked, group->len);
		while (low < high) {
			uint32_t mid = (low + high) / 2;
			int order = memcmp(f->routes[mid]->prefix.octets, masked.octets,
				sizeof(masked.octets));

			if (order == 0)
				return f->routes[mid];
			if (order < 0)
				low = mid + 1;
			else
				high = mid;
		}
	}
	return NULL;
}

const struct snapshot_route *route_find(const struct route_table *table, const struct ip_addr *ip)
{
	if (ip->family == 4)
		return find_v4(&table->v4, ipv4_of(ip));
	return ip->family == 6 ? find_v6(&table->v6, ip) : NULL;
}

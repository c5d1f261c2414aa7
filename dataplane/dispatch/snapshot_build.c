// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/snapshot.h"

#include <errno.h>
#include <stdlib.h>

#include "dataplane/dispatch/snapshot_internal.h"
#include "dataplane/dispatch/table.h"

// The earlier tables of a service, found in the snapshot before: oldest first.
struct earlier {
	const struct snapshot_service *before; // NULL: it was not there
	bool same; // its table is the one that it had
	unsigned int nb;
	struct snapshot_prev prev[SNAPSHOT_PREV_MAX + 1]; // tables are sections of in->prev
};

static size_t align64(size_t size)
{
	return (size + 63) & ~(size_t)63;
}

static bool terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

#define SPARSE_SLOTS 4096 // 8 KB, in which nothing is found by one look

// Slots of an index over nb records: at most half full, and sparse while that costs little. Most
// lookups by address find nothing (callers are no backends), and how far they go before they know
// is what no processor can predict.
static uint32_t index_slots(uint32_t nb)
{
	uint32_t slots = 8;

	while (slots < 2 * nb || (slots < 16 * nb && slots < SPARSE_SLOTS))
		slots *= 2;
	return slots;
}

static const struct snapshot_service *find_prev(const struct snapshot_input *in, const char *name)
{
	for (uint32_t i = 0; i < in->prev->services.nb; i++)
		if (strcmp(snapshot_service(in->prev, (uint16_t)i)->name, name) == 0)
			return snapshot_service(in->prev, (uint16_t)i);
	return NULL;
}

static bool same_table(const struct snapshot_input *in, const struct snapshot_service *service,
	const struct snapshot_service *before)
{
	if (before->nb_backends != service->nb_backends ||
		before->table.nb != table_rows(service->nb_backends))
		return false;
	for (uint16_t i = 0; i < service->nb_backends; i++) {
		const struct snapshot_backend *now = &in->backends[service->backend_first + i];
		const struct snapshot_backend *was =
			snapshot_backend(in->prev, (uint16_t)(before->backend_first + i));

		if (now->weight != was->weight || strcmp(now->name, was->name) != 0)
			return false;
	}
	return true;
}

// Leave out the one that was in force for the least of the last window.
static void drop_shortest(struct earlier *e, uint64_t now_ms)
{
	uint64_t since = now_ms, least_ms = UINT64_MAX;
	unsigned int least = 0;

	for (unsigned int i = 0; i < e->nb; i++) {
		uint64_t ms = e->prev[i].until_ms - since;

		since = e->prev[i].until_ms;
		if (ms < least_ms) {
			least = i;
			least_ms = ms;
		}
	}
	e->nb--;
	memmove(&e->prev[least], &e->prev[least + 1], (e->nb - least) * sizeof(e->prev[0]));
}

static void find_earlier(
	const struct snapshot_input *in, const struct snapshot_service *service, struct earlier *e)
{
	*e = (struct earlier){0};
	// Under another key a Call-ID has another row: the old rows say nothing about it.
	if (in->prev == NULL || memcmp(in->table_key, in->prev->table_key, 16) != 0)
		return;
	e->before = find_prev(in, service->name);
	if (e->before == NULL)
		return;
	for (unsigned int i = 0; i < SNAPSHOT_PREV_MAX; i++) {
		const struct snapshot_prev *prev = &e->before->prev[i];
		uint64_t since = e->nb > 0 ? e->prev[e->nb - 1].until_ms : in->now_ms;

		if (prev->table.nb != 0 && prev->until_ms > since)
			e->prev[e->nb++] = *prev;
	}
	e->same = same_table(in, service, e->before);
	if (e->same)
		return;
	e->prev[e->nb++] = (struct snapshot_prev){e->before->table, in->prev_until_ms};
	if (e->nb > SNAPSHOT_PREV_MAX)
		drop_shortest(e, in->now_ms);
}

static bool check_services(const struct snapshot_input *in)
{
	uint32_t next = 0;

	for (uint32_t i = 0; i < in->nb_services; i++) {
		const struct snapshot_service *s = &in->services[i];

		if (!terminated(s->name, sizeof(s->name)) || s->backend_first != next)
			return false;
		next += s->nb_backends;
		if (next > in->nb_backends)
			return false;
		for (uint32_t b = s->backend_first; b < next; b++)
			if (in->backends[b].service != i)
				return false;
	}
	return next == in->nb_backends;
}

// Access lists are sorted in place: two listeners share a range or have nothing in common.
static bool ranges_fit(uint16_t a, uint16_t nb_a, uint16_t b, uint16_t nb_b)
{
	return nb_a == 0 || nb_b == 0 || (a == b && nb_a == nb_b) || a + nb_a <= b || b + nb_b <= a;
}

static bool check_acl(const struct snapshot_input *in)
{
	for (uint32_t i = 0; i < in->nb_listeners; i++) {
		const struct snapshot_listener *l = &in->listeners[i];

		if ((uint32_t)l->acl_allow + l->nb_acl_allow > in->nb_acl ||
			(uint32_t)l->acl_deny + l->nb_acl_deny > in->nb_acl ||
			!ranges_fit(l->acl_allow, l->nb_acl_allow, l->acl_deny, l->nb_acl_deny))
			return false;
		for (uint32_t j = 0; j < i; j++) {
			const struct snapshot_listener *o = &in->listeners[j];

			if (!ranges_fit(
				    l->acl_allow, l->nb_acl_allow, o->acl_allow, o->nb_acl_allow) ||
				!ranges_fit(l->acl_allow, l->nb_acl_allow, o->acl_deny,
					o->nb_acl_deny) ||
				!ranges_fit(l->acl_deny, l->nb_acl_deny, o->acl_allow,
					o->nb_acl_allow) ||
				!ranges_fit(
					l->acl_deny, l->nb_acl_deny, o->acl_deny, o->nb_acl_deny))
				return false;
		}
	}
	return true;
}

static bool check_input(const struct snapshot_input *in)
{
	if (in->nb_keys == 0 || in->nb_keys > SNAPSHOT_KEYS_MAX || in->primary_key >= in->nb_keys ||
		in->prev_primary_key >= in->nb_keys || in->nb_services > SNAPSHOT_SERVICES_MAX ||
		in->nb_listeners > SNAPSHOT_LISTENERS_MAX ||
		in->nb_backends > SNAPSHOT_BACKENDS_MAX || in->nb_acl > UINT16_MAX ||
		in->nb_ports >= SNAPSHOT_NONE || in->nb_routes > UINT32_C(1) << 20)
		return false;
	for (uint32_t i = 0; i < in->nb_backends; i++)
		if (!terminated(in->backends[i].name, sizeof(in->backends[i].name)))
			return false;
	for (uint32_t i = 0; i < in->nb_ports; i++)
		if (!terminated(in->ports[i].name, sizeof(in->ports[i].name)))
			return false;
	return check_services(in) && check_acl(in);
}

static void place(struct snapshot_section *section, uint64_t *size, uint32_t nb, size_t record)
{
	section->off = (uint32_t)*size;
	section->nb = nb;
	*size += align64((size_t)nb * record);
}

// Give every section of fixed-size records its place. Returns the octets up to the tables.
static uint64_t place_sections(const struct snapshot_input *in, struct snapshot *s)
{
	uint64_t size = align64(sizeof(*s));

	place(&s->ports, &size, in->nb_ports, sizeof(struct snapshot_port));
	place(&s->listeners, &size, in->nb_listeners, sizeof(struct snapshot_listener));
	place(&s->services, &size, in->nb_services, sizeof(struct snapshot_service));
	place(&s->backends, &size, in->nb_backends, sizeof(struct snapshot_backend));
	place(&s->acl, &size, in->nb_acl, sizeof(struct snapshot_prefix));
	place(&s->routes, &size, in->nb_routes, sizeof(struct snapshot_route));
	place(&s->listener_by_addr, &size, index_slots(in->nb_listeners), sizeof(uint16_t));
	place(&s->listener_by_id, &size, index_slots(in->nb_listeners), sizeof(uint16_t));
	place(&s->backend_by_id, &size, index_slots(in->nb_backends), sizeof(uint16_t));
	place(&s->backend_by_ip, &size, index_slots(in->nb_backends), sizeof(uint16_t));
	return size;
}

static uint64_t rows_size(uint32_t rows)
{
	return align64((size_t)rows * SNAPSHOT_CANDIDATES * sizeof(uint16_t));
}

size_t snapshot_build_size(const struct snapshot_input *in)
{
	struct snapshot s;
	uint64_t size;

	if (!check_input(in)) {
		errno = EINVAL;
		return 0;
	}
	size = place_sections(in, &s);
	for (uint32_t i = 0; i < in->nb_services; i++) {
		struct earlier e;

		size += rows_size(table_rows(in->services[i].nb_backends));
		find_earlier(in, &in->services[i], &e);
		for (unsigned int p = 0; p < e.nb; p++)
			size += rows_size(e.prev[p].table.nb);
	}
	if (size > SNAPSHOT_SIZE_MAX) {
		errno = E2BIG;
		return 0;
	}
	return size;
}

// Records are copied field by field: padding and what stands behind a NUL stay zero, so that equal
// input gives equal octets.
static void copy_ip(struct ip_addr *to, const struct ip_addr *from)
{
	to->family = from->family;
	memcpy(to->octets, from->octets, from->family == 4 ? 4 : 16);
}

static void copy_endpoint(struct endpoint *to, const struct endpoint *from)
{
	copy_ip(&to->ip, &from->ip);
	to->port = from->port;
}

static void *records(struct snapshot *s, const struct snapshot_section *section)
{
	return (char *)s + section->off;
}

static void copy_listeners(const struct snapshot_input *in, struct snapshot *s)
{
	struct snapshot_listener *out = records(s, &s->listeners);

	for (uint32_t i = 0; i < in->nb_listeners; i++) {
		const struct snapshot_listener *l = &in->listeners[i];

		copy_endpoint(&out[i].local, &l->local);
		out[i].service = l->service;
		out[i].port = l->port;
		out[i].acl_allow = l->acl_allow;
		out[i].nb_acl_allow = l->nb_acl_allow;
		out[i].acl_deny = l->acl_deny;
		out[i].nb_acl_deny = l->nb_acl_deny;
		snapshot_fill_listener(&out[i]);
	}
}

static void copy_services(const struct snapshot_input *in, struct snapshot *s)
{
	struct snapshot_service *out = records(s, &s->services);

	for (uint32_t i = 0; i < in->nb_services; i++) {
		const struct snapshot_service *v = &in->services[i];

		strcpy(out[i].name, v->name);
		out[i].mode = v->mode;
		out[i].hash_key = v->hash_key;
		out[i].register_hash_key = v->register_hash_key;
		out[i].flags = v->flags;
		out[i].backend_first = v->backend_first;
		out[i].nb_backends = v->nb_backends;
		out[i].listener_v4 = v->listener_v4;
		out[i].listener_v6 = v->listener_v6;
		out[i].source_rate = v->source_rate;
		out[i].reply_rate = v->reply_rate;
		out[i].max_message = v->max_message;
		out[i].max_header_bytes = v->max_header_bytes;
		out[i].max_headers = v->max_headers;
		out[i].retry_after = v->retry_after;
		out[i].counter = v->counter;
	}
}

static void copy_backends(const struct snapshot_input *in, struct snapshot *s)
{
	struct snapshot_backend *out = records(s, &s->backends);

	for (uint32_t i = 0; i < in->nb_backends; i++) {
		const struct snapshot_backend *b = &in->backends[i];

		copy_endpoint(&out[i].addr, &b->addr);
		out[i].service = b->service;
		out[i].weight = b->weight;
		out[i].counter = b->counter;
		out[i].barred_ports = b->barred_ports;
		strcpy(out[i].name, b->name);
		out[i].id = backend_id(in->services[b->service].name, b->name);
		out[i].name_hash = table_name_hash(in->table_key, b->name);
		out[i].next_same_ip = SNAPSHOT_NONE;
	}
}

static int compare_prefixes(const void *a, const void *b)
{
	return snapshot_prefix_cmp(a, b);
}

static void copy_network(const struct snapshot_input *in, struct snapshot *s)
{
	struct snapshot_port *ports = records(s, &s->ports);
	struct snapshot_prefix *acl = records(s, &s->acl);
	struct snapshot_route *routes = records(s, &s->routes);

	for (uint32_t i = 0; i < in->nb_ports; i++) {
		strcpy(ports[i].name, in->ports[i].name);
		ports[i].mtu = in->ports[i].mtu;
	}
	for (uint32_t i = 0; i < in->nb_acl; i++) {
		copy_ip(&acl[i].ip, &in->acl[i].ip);
		acl[i].len = in->acl[i].len;
	}
	for (uint32_t i = 0; i < in->nb_listeners; i++) {
		const struct snapshot_listener *l = &in->listeners[i];

		qsort(acl + l->acl_allow, l->nb_acl_allow, sizeof(*acl), compare_prefixes);
		qsort(acl + l->acl_deny, l->nb_acl_deny, sizeof(*acl), compare_prefixes);
	}
	for (uint32_t i = 0; i < in->nb_routes; i++) {
		copy_ip(&routes[i].prefix, &in->routes[i].prefix);
		routes[i].prefix_len = in->routes[i].prefix_len;
		routes[i].port = in->routes[i].port;
		copy_ip(&routes[i].gateway, &in->routes[i].gateway);
		routes[i].also_ports = in->routes[i].also_ports;
	}
}

static void index_put(
	struct snapshot *s, const struct snapshot_section *index, uint32_t hash, uint16_t value)
{
	uint16_t *slots = records(s, index);
	uint32_t mask = index->nb - 1, i = hash & mask;

	while (slots[i] != SNAPSHOT_NONE)
		i = (i + 1) & mask;
	slots[i] = value;
}

static int index_listeners(struct snapshot *s)
{
	memset(records(s, &s->listener_by_addr), 0xff, s->listener_by_addr.nb * sizeof(uint16_t));
	memset(records(s, &s->listener_by_id), 0xff, s->listener_by_id.nb * sizeof(uint16_t));
	for (uint16_t i = 0; i < s->listeners.nb; i++) {
		const struct snapshot_listener *l = snapshot_listener(s, i);

		if (snapshot_find_listener(s, &l->local) != SNAPSHOT_NONE ||
			snapshot_find_listener_id(s, l->id) != SNAPSHOT_NONE)
			return -EEXIST;
		index_put(s, &s->listener_by_addr, snapshot_hash_endpoint(&l->local), i);
		index_put(s, &s->listener_by_id, snapshot_hash_u32(l->id), i);
	}
	return 0;
}

static int index_backends(struct snapshot *s)
{
	struct snapshot_backend *backends = records(s, &s->backends);

	memset(records(s, &s->backend_by_id), 0xff, s->backend_by_id.nb * sizeof(uint16_t));
	memset(records(s, &s->backend_by_ip), 0xff, s->backend_by_ip.nb * sizeof(uint16_t));
	for (uint16_t i = 0; i < s->backends.nb; i++) {
		struct endpoint any_port = {.ip = backends[i].addr.ip};
		uint16_t same;

		if (snapshot_find_backend_id(s, backends[i].id) != SNAPSHOT_NONE)
			return -EEXIST;
		index_put(s, &s->backend_by_id, snapshot_hash_u32(backends[i].id), i);
		same = snapshot_find_backend_addr(s, &any_port);
		if (same == SNAPSHOT_NONE) {
			index_put(s, &s->backend_by_ip, snapshot_hash_ip(&backends[i].addr.ip), i);
			continue;
		}
		while (backends[same].next_same_ip != SNAPSHOT_NONE)
			same = backends[same].next_same_ip;
		backends[same].next_same_ip = i;
	}
	return 0;
}

// Copy rows of `prev`, whose indices mean prev's backends.
static void copy_rows(const struct snapshot *prev, const struct snapshot_section *from,
	struct snapshot *s, const struct snapshot_section *to)
{
	uint16_t map[SNAPSHOT_BACKENDS_MAX];
	const uint16_t *in = (const uint16_t *)((const char *)prev + from->off);
	uint16_t *out = records(s, to);

	for (uint16_t i = 0; i < prev->backends.nb; i++)
		map[i] = snapshot_find_backend_id(s, snapshot_backend(prev, i)->id);
	for (size_t i = 0; i < (size_t)from->nb * SNAPSHOT_CANDIDATES; i++)
		out[i] = in[i] == SNAPSHOT_NONE ? SNAPSHOT_NONE : map[in[i]];
}

static void build_rows(struct snapshot *s, const struct snapshot_service *service)
{
	struct table_backend backends[SNAPSHOT_BACKENDS_MAX];

	for (uint16_t i = 0; i < service->nb_backends; i++) {
		uint16_t index = (uint16_t)(service->backend_first + i);
		const struct snapshot_backend *b = snapshot_backend(s, index);

		backends[i] = (struct table_backend){b->name_hash, b->weight, index};
	}
	table_build(backends, service->nb_backends, records(s, &service->table), service->table.nb);
}

static void build_tables(const struct snapshot_input *in, struct snapshot *s, uint64_t at)
{
	struct snapshot_service *services = records(s, &s->services);

	for (uint32_t i = 0; i < in->nb_services; i++) {
		struct snapshot_service *v = &services[i];
		struct earlier e;

		find_earlier(in, &in->services[i], &e);
		place(&v->table, &at, table_rows(v->nb_backends),
			SNAPSHOT_CANDIDATES * sizeof(uint16_t));
		if (e.same)
			copy_rows(in->prev, &e.before->table, s, &v->table);
		else
			build_rows(s, v);
		v->table_hash = snapshot_table_hash(s, v);
		for (unsigned int p = 0; p < e.nb; p++) {
			place(&v->prev[p].table, &at, e.prev[p].table.nb,
				SNAPSHOT_CANDIDATES * sizeof(uint16_t));
			copy_rows(in->prev, &e.prev[p].table, s, &v->prev[p].table);
			v->prev[p].until_ms = e.prev[p].until_ms;
		}
	}
}

int snapshot_build(const struct snapshot_input *in, void *blob, size_t len)
{
	struct snapshot *s = blob;
	uint64_t tables;
	int ret;

	if (len == 0 || len != snapshot_build_size(in))
		return -EINVAL;
	s->magic = SNAPSHOT_MAGIC;
	s->version = SNAPSHOT_VERSION;
	s->size = (uint32_t)len;
	s->generation = in->generation;
	s->config_digest = in->config_digest;
	memcpy(s->table_key, in->table_key, sizeof(s->table_key));
	for (uint16_t i = 0; i < in->nb_keys; i++) {
		s->keys[i].id = in->keys[i].id;
		memcpy(s->keys[i].key, in->keys[i].key, sizeof(s->keys[i].key));
	}
	s->nb_keys = in->nb_keys;
	s->primary_key = in->primary_key;
	s->prev_primary_key = in->prev_primary_key;
	s->prev_key_until_ms = in->prev_key_until_ms;

	tables = place_sections(in, s);
	copy_listeners(in, s);
	copy_services(in, s);
	copy_backends(in, s);
	copy_network(in, s);
	ret = index_listeners(s);
	if (ret == 0)
		ret = index_backends(s);
	if (ret != 0)
		return ret;
	build_tables(in, s, tables);
	s->checksum = snapshot_checksum(s);
	return 0;
}

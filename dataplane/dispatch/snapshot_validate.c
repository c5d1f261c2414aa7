// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/snapshot.h"

#include <errno.h>

#include "dataplane/dispatch/snapshot_internal.h"

// The check runs once per snapshot, on a copy that nobody writes to any more. Order matters:
// sections are checked before the records in them, and the indices that lookups walk before any
// lookup.

static bool section_ok(
	const struct snapshot *s, const struct snapshot_section *section, size_t record)
{
	return section->off % 64 == 0 && section->off >= sizeof(*s) && section->off <= s->size &&
		(uint64_t)section->nb * record <= s->size - section->off;
}

static bool power_of_2(uint32_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

static bool ip_ok(const struct ip_addr *ip)
{
	static const uint8_t zeros[16];

	if (ip->family == 4)
		return memcmp(ip->octets + 4, zeros, 12) == 0;
	return ip->family == 6;
}

static bool prefix_ok(const struct ip_addr *ip, unsigned int len)
{
	return ip_ok(ip) && len <= (ip->family == 4 ? 32 : 128);
}

static bool text_ok(const char *text, size_t size)
{
	const char *end = memchr(text, '\0', size);

	return end != NULL && end != text;
}

static const char *check_sections(const struct snapshot *s)
{
	if (!section_ok(s, &s->ports, sizeof(struct snapshot_port)) || s->ports.nb >= SNAPSHOT_NONE)
		return "ports section";
	if (!section_ok(s, &s->listeners, sizeof(struct snapshot_listener)) ||
		s->listeners.nb > SNAPSHOT_LISTENERS_MAX)
		return "listeners section";
	if (!section_ok(s, &s->services, sizeof(struct snapshot_service)) ||
		s->services.nb > SNAPSHOT_SERVICES_MAX)
		return "services section";
	if (!section_ok(s, &s->backends, sizeof(struct snapshot_backend)) ||
		s->backends.nb > SNAPSHOT_BACKENDS_MAX)
		return "backends section";
	if (!section_ok(s, &s->acl, sizeof(struct snapshot_prefix)) || s->acl.nb > UINT16_MAX)
		return "acl section";
	if (!section_ok(s, &s->routes, sizeof(struct snapshot_route)))
		return "routes section";
	return NULL;
}

static const char *check_keys(const struct snapshot *s)
{
	if (s->nb_keys == 0 || s->nb_keys > SNAPSHOT_KEYS_MAX || s->primary_key >= s->nb_keys ||
		s->prev_primary_key >= s->nb_keys)
		return "number of keys";
	for (uint16_t i = 0; i < s->nb_keys; i++) {
		if (s->keys[i].id < 'a' || s->keys[i].id > 'z')
			return "key id";
		for (uint16_t j = 0; j < i; j++)
			if (s->keys[j].id == s->keys[i].id)
				return "key id used twice";
	}
	return NULL;
}

// An access list: within the section and sorted.
static bool acl_ok(const struct snapshot *s, uint16_t first, uint16_t nb)
{
	const struct snapshot_prefix *acl = SNAPSHOT_AT(s, acl, snapshot_prefix, 0);

	if ((uint32_t)first + nb > s->acl.nb)
		return false;
	for (uint32_t i = 1; i < nb; i++)
		if (snapshot_prefix_cmp(&acl[first + i - 1], &acl[first + i]) > 0)
			return false;
	return true;
}

static const char *check_listeners(const struct snapshot *s)
{
	for (uint16_t i = 0; i < s->listeners.nb; i++) {
		const struct snapshot_listener *l = snapshot_listener(s, i);
		struct snapshot_listener filled;

		if (!ip_ok(&l->local.ip) || l->local.port == 0)
			return "listener address";
		if (l->service >= s->services.nb)
			return "listener service";
		if (l->port != SNAPSHOT_NONE && l->port >= s->ports.nb)
			return "listener port";
		if (!acl_ok(s, l->acl_allow, l->nb_acl_allow) ||
			!acl_ok(s, l->acl_deny, l->nb_acl_deny))
			return "listener access list";
		filled = *l;
		snapshot_fill_listener(&filled);
		if (filled.id != l->id || filled.sent_by_len != l->sent_by_len ||
			filled.via_len != l->via_len || filled.uri_len != l->uri_len ||
			memcmp(filled.sent_by, l->sent_by, sizeof(l->sent_by)) != 0 ||
			memcmp(filled.via, l->via, sizeof(l->via)) != 0 ||
			memcmp(filled.uri, l->uri, sizeof(l->uri)) != 0)
			return "listener texts";
	}
	return NULL;
}

static bool sender_ok(const struct snapshot *s, uint16_t listener, uint8_t family)
{
	return listener == SNAPSHOT_NONE ||
		(listener < s->listeners.nb &&
			snapshot_listener(s, listener)->local.ip.family == family);
}

// Rows: of this service's backends only.
static bool rows_ok(const struct snapshot *s, const struct snapshot_service *v,
	const struct snapshot_section *table)
{
	const uint16_t *rows = (const uint16_t *)((const char *)s + table->off);
	bool good = true;

	if (!power_of_2(table->nb) || !section_ok(s, table, SNAPSHOT_CANDIDATES * sizeof(uint16_t)))
		return false;
	for (size_t i = 0; i < (size_t)table->nb * SNAPSHOT_CANDIDATES; i++)
		good &= rows[i] == SNAPSHOT_NONE ||
			(uint16_t)(rows[i] - v->backend_first) < v->nb_backends;
	return good;
}

static const char *check_services(const struct snapshot *s)
{
	for (uint16_t i = 0; i < s->services.nb; i++) {
		const struct snapshot_service *v = snapshot_service(s, i);

		if (!text_ok(v->name, sizeof(v->name)))
			return "service name";
		if (v->mode > SERVICE_REDIRECT || v->hash_key > HASH_SOURCE_IP ||
			v->register_hash_key > HASH_SOURCE_IP)
			return "service mode or hash key";
		if ((uint32_t)v->backend_first + v->nb_backends > s->backends.nb)
			return "service backends";
		for (uint16_t b = 0; b < v->nb_backends; b++)
			if (snapshot_backend(s, (uint16_t)(v->backend_first + b))->service != i)
				return "service backends";
		if (!sender_ok(s, v->listener_v4, 4) || !sender_ok(s, v->listener_v6, 6))
			return "service sending listener";
		if (!rows_ok(s, v, &v->table))
			return "service table";
		for (unsigned int p = 0; p < SNAPSHOT_PREV_MAX; p++)
			if (v->prev[p].table.nb != 0 && !rows_ok(s, v, &v->prev[p].table))
				return "service previous table";
	}
	return NULL;
}

// Only ports that are there.
static bool ports_ok(const struct snapshot *s, uint16_t mask)
{
	return s->ports.nb >= SNAPSHOT_PORTS_MAX || mask >> s->ports.nb == 0;
}

static const char *check_backends(const struct snapshot *s)
{
	for (uint16_t i = 0; i < s->backends.nb; i++) {
		const struct snapshot_backend *b = snapshot_backend(s, i);

		if (!ip_addr_is_unicast(&b->addr.ip) || !ip_ok(&b->addr.ip) || b->addr.port == 0)
			return "backend address";
		if (b->service >= s->services.nb)
			return "backend service";
		if (!text_ok(b->name, sizeof(b->name)))
			return "backend name";
		if (b->id == 0)
			return "backend id";
		if (!ports_ok(s, b->barred_ports))
			return "backend ports";
		// Ascending, so that the chain ends.
		if (b->next_same_ip != SNAPSHOT_NONE &&
			(b->next_same_ip <= i || b->next_same_ip >= s->backends.nb))
			return "backend chain";
		if (b->next_same_ip != SNAPSHOT_NONE &&
			snapshot_backend(s, b->next_same_ip)->barred_ports != b->barred_ports)
			return "backend ports";
	}
	return NULL;
}

static const char *check_network(const struct snapshot *s)
{
	for (uint32_t i = 0; i < s->ports.nb; i++)
		if (!text_ok(SNAPSHOT_AT(s, ports, snapshot_port, i)->name,
			    sizeof(((struct snapshot_port *)0)->name)))
			return "port name";
	for (uint32_t i = 0; i < s->acl.nb; i++) {
		const struct snapshot_prefix *p = SNAPSHOT_AT(s, acl, snapshot_prefix, i);

		if (!prefix_ok(&p->ip, p->len))
			return "access list prefix";
	}
	for (uint32_t i = 0; i < s->routes.nb; i++) {
		const struct snapshot_route *r = SNAPSHOT_AT(s, routes, snapshot_route, i);

		if (!prefix_ok(&r->prefix, r->prefix_len) || r->port >= s->ports.nb ||
			!ports_ok(s, r->also_ports))
			return "route";
		if (r->gateway.family != 0 && !ip_ok(&r->gateway))
			return "route gateway";
	}
	return NULL;
}

// An index whose lookups end: a power of 2, half empty, nothing out of range.
static bool index_ok(const struct snapshot *s, const struct snapshot_section *index, uint32_t nb)
{
	const uint16_t *slots = (const uint16_t *)((const char *)s + index->off);
	uint32_t used = 0;

	if (!power_of_2(index->nb) || !section_ok(s, index, sizeof(uint16_t)))
		return false;
	for (uint32_t i = 0; i < index->nb; i++) {
		if (slots[i] == SNAPSHOT_NONE)
			continue;
		used++;
		if (slots[i] >= nb)
			return false;
	}
	return used <= index->nb / 2;
}

static const char *check_indices(const struct snapshot *s)
{
	if (!index_ok(s, &s->listener_by_addr, s->listeners.nb) ||
		!index_ok(s, &s->listener_by_id, s->listeners.nb))
		return "listener index";
	if (!index_ok(s, &s->backend_by_id, s->backends.nb) ||
		!index_ok(s, &s->backend_by_ip, s->backends.nb))
		return "backend index";
	for (uint16_t i = 0; i < s->listeners.nb; i++)
		if (snapshot_find_listener(s, &snapshot_listener(s, i)->local) != i ||
			snapshot_find_listener_id(s, snapshot_listener(s, i)->id) != i)
			return "listener index entry";
	for (uint16_t i = 0; i < s->backends.nb; i++) {
		const struct snapshot_backend *b = snapshot_backend(s, i);
		uint16_t found = snapshot_find_backend_addr(s, &b->addr);

		if (snapshot_find_backend_id(s, b->id) != i || found == SNAPSHOT_NONE ||
			!endpoint_eq(&snapshot_backend(s, found)->addr, &b->addr))
			return "backend index entry";
	}
	return NULL;
}

static const char *check_header(const struct snapshot *s, size_t len)
{
	if ((uintptr_t)s % 64 != 0)
		return "alignment";
	if (len < sizeof(*s) || len > SNAPSHOT_SIZE_MAX)
		return "size";
	if (s->magic != SNAPSHOT_MAGIC)
		return "magic";
	if (s->version != SNAPSHOT_VERSION)
		return "version";
	if (s->size != len)
		return "size";
	if (s->checksum != snapshot_checksum(s))
		return "checksum";
	return NULL;
}

int snapshot_validate(const void *blob, size_t len, const char **why)
{
	const struct snapshot *s = blob;
	const char *wrong = check_header(s, len);

	wrong = wrong != NULL ? wrong : check_sections(s);
	wrong = wrong != NULL ? wrong : check_keys(s);
	wrong = wrong != NULL ? wrong : check_network(s);
	wrong = wrong != NULL ? wrong : check_listeners(s);
	wrong = wrong != NULL ? wrong : check_backends(s);
	wrong = wrong != NULL ? wrong : check_services(s);
	wrong = wrong != NULL ? wrong : check_indices(s);
	*why = wrong;
	return wrong == NULL ? 0 : -EBADMSG;
}

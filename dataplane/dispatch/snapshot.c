// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/snapshot.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "dataplane/dispatch/siphash.h"
#include "dataplane/dispatch/snapshot_find.h"
#include "dataplane/dispatch/snapshot_internal.h"
#include "dataplane/dispatch/table.h"

#define VIA_START "Via: SIP/2.0/UDP "
#define VIA_END ";branch="

_Static_assert(sizeof(VIA_START) + ENDPOINT_TEXT_MAX + sizeof(VIA_END) <= SNAPSHOT_VIA_MAX, "fits");
_Static_assert(ENDPOINT_TEXT_MAX + sizeof("@;lr>\r\n") <= SNAPSHOT_URI_MAX, "fits");

uint64_t snapshot_call_digest(const struct snapshot *s, struct strv call_id)
{
	return siphash13(s->table_key, call_id.ptr, call_id.len);
}

uint64_t snapshot_aor_digest(const struct snapshot *s, struct strv user, struct strv host)
{
	return siphash_user_host(s->table_key, user, host);
}

uint64_t snapshot_ip_digest(const struct snapshot *s, const struct ip_addr *ip)
{
	return siphash13(s->table_key, ip->octets, sizeof(ip->octets));
}

uint32_t snapshot_hash_ip(const struct ip_addr *ip)
{
	return hash_ip(ip);
}

uint32_t snapshot_hash_endpoint(const struct endpoint *ep)
{
	return hash_endpoint(ep);
}

uint32_t snapshot_hash_u32(uint32_t id)
{
	return hash_u32(id);
}

uint16_t snapshot_find_listener(const struct snapshot *s, const struct endpoint *local)
{
	return find_listener(s, local);
}

uint16_t snapshot_find_listener_id(const struct snapshot *s, uint16_t id)
{
	return find_listener_id(s, id);
}

uint16_t snapshot_find_backend_id(const struct snapshot *s, uint32_t id)
{
	return find_backend_id(s, id);
}

uint16_t snapshot_find_backend_addr(const struct snapshot *s, const struct endpoint *source)
{
	return find_backend_addr(s, source);
}

uint16_t snapshot_find_backend_source(
	const struct snapshot *s, const struct endpoint *source, uint16_t service)
{
	return find_backend_source(s, source, service);
}

uint32_t backend_id(const char *service, const char *backend)
{
	XXH64_state_t state;
	uint64_t hash;

	XXH64_reset(&state, 0);
	// With the NUL: "a" + "bc" is not "ab" + "c".
	XXH64_update(&state, service, strlen(service) + 1);
	XXH64_update(&state, backend, strlen(backend));
	hash = XXH64_digest(&state);
	hash = (uint32_t)(hash >> 32 ^ hash);
	return hash != 0 ? (uint32_t)hash : 1; // 0 says "no backend" in a token
}

uint16_t listener_id(const struct endpoint *local)
{
	uint8_t octets[20] = {local->ip.family};
	uint64_t hash;

	memcpy(octets + 1, local->ip.octets, 16);
	octets[17] = (uint8_t)(local->port >> 8);
	octets[18] = (uint8_t)local->port;
	octets[19] = 'u'; // UDP
	hash = XXH64(octets, sizeof(octets), 0);
	return (uint16_t)(hash >> 48 ^ hash >> 32 ^ hash >> 16 ^ hash);
}

void snapshot_fill_listener(struct snapshot_listener *listener)
{
	char *p;

	listener->id = listener_id(&listener->local);
	memset(listener->sent_by, 0, sizeof(listener->sent_by));
	memset(listener->via, 0, sizeof(listener->via));
	memset(listener->uri, 0, sizeof(listener->uri));
	listener->sent_by_len = (uint8_t)endpoint_format(&listener->local, listener->sent_by);
	// What the formatter left behind the NUL must not make two builds differ.
	memset(listener->sent_by + listener->sent_by_len, 0,
		sizeof(listener->sent_by) - listener->sent_by_len);

	p = mempcpy(listener->via, VIA_START, sizeof(VIA_START) - 1);
	p = mempcpy(p, listener->sent_by, listener->sent_by_len);
	p = mempcpy(p, VIA_END, sizeof(VIA_END) - 1);
	listener->via_len = (uint8_t)(p - listener->via);

	p = listener->uri;
	*p++ = '@';
	p = mempcpy(p, listener->sent_by, listener->sent_by_len);
	p = mempcpy(p, ";lr", 3);
	listener->uri_len = (uint8_t)(p - listener->uri);
	memcpy(p, ">\r\n", 3);
}

uint64_t snapshot_checksum(const struct snapshot *s)
{
	size_t from = offsetof(struct snapshot, generation);

	return XXH3_64bits((const char *)s + from, s->size - from);
}

uint64_t snapshot_table_hash(const struct snapshot *s, const struct snapshot_service *service)
{
	const uint16_t *rows = (const uint16_t *)((const char *)s + service->table.off);
	size_t nb = (size_t)service->table.nb * SNAPSHOT_CANDIDATES;
	XXH64_state_t state;
	uint16_t chunk[1024];
	uint16_t rank[SNAPSHOT_BACKENDS_MAX];
	uint16_t next = 0;

	XXH64_reset(&state, 0);
	// Places among the service's backends that are in rows: neither another service's backends
	// nor one that is only kept for its dialogs change anything.
	for (uint16_t i = 0; i < service->nb_backends; i++) {
		rank[i] = next;
		next += snapshot_backend(s, (uint16_t)(service->backend_first + i))->weight > 0;
	}
	for (size_t at = 0; at < nb;) {
		size_t in_chunk = nb - at < 1024 ? nb - at : 1024;

		for (size_t i = 0; i < in_chunk; i++)
			chunk[i] = rows[at + i] == SNAPSHOT_NONE
				? SNAPSHOT_NONE
				: rank[rows[at + i] - service->backend_first];
		XXH64_update(&state, chunk, in_chunk * sizeof(chunk[0]));
		at += in_chunk;
	}
	for (uint16_t i = 0; i < service->nb_backends; i++) {
		const struct snapshot_backend *b =
			snapshot_backend(s, (uint16_t)(service->backend_first + i));

		if (b->weight == 0)
			continue;
		XXH64_update(&state, &b->id, sizeof(b->id));
		XXH64_update(&state, &b->weight, sizeof(b->weight));
	}
	return XXH64_digest(&state);
}

int snapshot_prefix_cmp(const struct snapshot_prefix *a, const struct snapshot_prefix *b)
{
	if (a->len != b->len)
		return (int)b->len - (int)a->len;
	if (a->ip.family != b->ip.family)
		return (int)a->ip.family - (int)b->ip.family;
	return memcmp(a->ip.octets, b->ip.octets, 16);
}

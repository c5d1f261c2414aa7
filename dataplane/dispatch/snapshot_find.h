// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_SNAPSHOT_FIND_H
#define DISPATCH_SNAPSHOT_FIND_H

#include "dataplane/dispatch/siphash_inline.h"
#include "dataplane/dispatch/snapshot.h"

// The lookups of snapshot.h without calls, for what every message passes. The same names, without
// their prefix.

static inline uint32_t hash_ip(const struct ip_addr *ip)
{
	uint64_t a = load64(ip->octets), b = load64(ip->octets + 8);

	// Only our own configuration is in the tables that this leads into: it need not be keyed.
	a = (a ^ siphash_rotl(b * UINT64_C(0xd6e8feb86659fd93), 29)) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(a >> 32 ^ a >> 12);
}

static inline uint32_t hash_endpoint(const struct endpoint *ep)
{
	return hash_ip(&ep->ip) ^ ep->port * 0x9e3779b1u >> 7;
}

static inline uint32_t hash_u32(uint32_t id)
{
	id *= 0x9e3779b1u;
	return id ^ id >> 16;
}

// The slots of an index section.
static inline const uint16_t *slots_of(
	const struct snapshot *s, const struct snapshot_section *index)
{
	return (const uint16_t *)((const char *)s + index->off);
}

static inline uint16_t find_listener(const struct snapshot *s, const struct endpoint *local)
{
	const uint16_t *slots = slots_of(s, &s->listener_by_addr);
	uint32_t mask = s->listener_by_addr.nb - 1;

	for (uint32_t i = hash_endpoint(local) & mask; slots[i] != SNAPSHOT_NONE;
		i = (i + 1) & mask)
		if (endpoint_eq(&snapshot_listener(s, slots[i])->local, local))
			return slots[i];
	return SNAPSHOT_NONE;
}

static inline uint16_t find_listener_id(const struct snapshot *s, uint16_t id)
{
	const uint16_t *slots = slots_of(s, &s->listener_by_id);
	uint32_t mask = s->listener_by_id.nb - 1;

	for (uint32_t i = hash_u32(id) & mask; slots[i] != SNAPSHOT_NONE; i = (i + 1) & mask)
		if (snapshot_listener(s, slots[i])->id == id)
			return slots[i];
	return SNAPSHOT_NONE;
}

static inline uint16_t find_backend_id(const struct snapshot *s, uint32_t id)
{
	const uint16_t *slots = slots_of(s, &s->backend_by_id);
	uint32_t mask = s->backend_by_id.nb - 1;

	for (uint32_t i = hash_u32(id) & mask; slots[i] != SNAPSHOT_NONE; i = (i + 1) & mask)
		if (snapshot_backend(s, slots[i])->id == id)
			return slots[i];
	return SNAPSHOT_NONE;
}

// The first backend with this IP address.
static inline uint16_t find_backend_ip(const struct snapshot *s, const struct ip_addr *ip)
{
	const uint16_t *slots = slots_of(s, &s->backend_by_ip);
	uint32_t mask = s->backend_by_ip.nb - 1;

	for (uint32_t i = hash_ip(ip) & mask; slots[i] != SNAPSHOT_NONE; i = (i + 1) & mask)
		if (ip_addr_eq(&snapshot_backend(s, slots[i])->addr.ip, ip))
			return slots[i];
	return SNAPSHOT_NONE;
}

static inline uint16_t find_backend_addr(const struct snapshot *s, const struct endpoint *source)
{
	uint16_t first = find_backend_ip(s, &source->ip);

	for (uint16_t i = first; i != SNAPSHOT_NONE; i = snapshot_backend(s, i)->next_same_ip)
		if (snapshot_backend(s, i)->addr.port == source->port)
			return i;
	return first;
}

static inline uint16_t find_backend_source(
	const struct snapshot *s, const struct endpoint *source, uint16_t service)
{
	uint16_t best = SNAPSHOT_NONE;
	int best_match = -1;

	for (uint16_t i = find_backend_ip(s, &source->ip); i != SNAPSHOT_NONE;
		i = snapshot_backend(s, i)->next_same_ip) {
		const struct snapshot_backend *b = snapshot_backend(s, i);
		int match = 2 * (b->service == service) + (b->addr.port == source->port);

		if (match > best_match) {
			best = i;
			best_match = match;
		}
	}
	return best;
}

#endif

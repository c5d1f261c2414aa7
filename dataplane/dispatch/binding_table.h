// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_BINDING_TABLE_H
#define DISPATCH_BINDING_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "parser/strv.h"

// AoR -> the backend that holds its registration. One writer (housekeeping), any number of
// lock-free readers (workers). The AoR is known by a keyed 64-bit hash only. Lives in memory that
// the caller provides; fixed capacity.

struct binding_table;

size_t binding_table_size(uint32_t capacity);
// `memory`: 64-byte aligned, binding_table_size() octets.
struct binding_table *binding_table_init(void *memory, uint32_t capacity, const uint8_t key[16]);

// The key of an AoR "sip:user@host" (host in any case; port and parameters left out by the caller).
uint64_t binding_table_hash(const struct binding_table *table, struct strv user, struct strv host);

// It is the SipHash-1-3 of "user@host" under this key, the host in lower case, but never 0.
const uint8_t *binding_table_key(const struct binding_table *table);

// Start to load what binding_table_get() will look at first.
void binding_table_prefetch(const struct binding_table *table, uint64_t hash);

// Writer only. Return 0, or -ENOSPC.
int binding_table_set(
	struct binding_table *table, uint64_t hash, uint32_t backend_id, uint32_t expires_s);
void binding_table_del(struct binding_table *table, uint64_t hash);
// Drop what expired, looking at no more than `slots` slots per call; returns how many were dropped.
uint32_t binding_table_sweep(struct binding_table *table, uint32_t now_s, uint32_t slots);
uint32_t binding_table_count(const struct binding_table *table);

// Any thread. Returns 0 and *backend_id, or -ENOENT. now_s: CLOCK_MONOTONIC seconds.
int binding_table_get(
	const struct binding_table *table, uint64_t hash, uint32_t now_s, uint32_t *backend_id);

#endif

// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_NAMES_H
#define DATAPLANE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "dataplane/dispatch/addr.h"

// Where host names lead, as control resolved them. Written by housekeeping, read by workers without
// a lock. Best effort: a set that is full loses what expires first, and is asked for again.

struct name_table;

struct name_table *name_table_create(const uint8_t key[16]);
void name_table_destroy(struct name_table *table);

// The key of a host (any case) and port, as they stand in a URI; port 0: absent.
uint64_t name_hash(const struct name_table *table, struct strv host, uint16_t port);

// Writer only. `to` with family 0: it leads nowhere.
void name_set(
	struct name_table *table, uint64_t hash, const struct endpoint *to, uint64_t expires_ms);

// Any thread. Returns 0 and *to, or -ENOENT when nothing is known (any more).
int name_get(const struct name_table *table, uint64_t hash, uint64_t now_ms, struct endpoint *to);

#endif

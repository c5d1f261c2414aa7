// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_SNAPSHOT_INTERNAL_H
#define DISPATCH_SNAPSHOT_INTERNAL_H

#include "dataplane/dispatch/snapshot.h"

// Shared by the build, which fills records in, and the check, which compares them with what the
// build would have written.

// id, sent_by and the templates, from `local`.
void snapshot_fill_listener(struct snapshot_listener *listener);

// The checksum of a blob.
uint64_t snapshot_checksum(const struct snapshot *s);

// xxh64 over the rows (indices within the service), ids and weights.
uint64_t snapshot_table_hash(const struct snapshot *s, const struct snapshot_service *service);

// A total order of an access list: longest prefix first. Negative, 0 or positive like memcmp().
int snapshot_prefix_cmp(const struct snapshot_prefix *a, const struct snapshot_prefix *b);

uint32_t snapshot_hash_u32(uint32_t id);

#endif

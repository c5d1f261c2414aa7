// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_RATE_H
#define DATAPLANE_RATE_H

#include "dataplane/dispatch/addr.h"

// Token buckets per source address, of one worker. Best effort: a fixed table of four-way sets, in
// which a new source takes the place of the one that was silent for longest.

struct rate_table;

enum rate_kind {
	RATE_REQUESTS,
	RATE_REPLIES,
	RATE_KEEPALIVES, // answers to them: an office full of phones must not use up RATE_REPLIES
	RATE_KINDS
};

// Returns NULL and errno.
struct rate_table *rate_table_create(uint32_t sources, const uint8_t key[16]);
void rate_table_destroy(struct rate_table *table);

// May this source have one more? `rate` is per second and also the burst; 0: no limit.
struct rate_limit {
	enum rate_kind kind;
	uint32_t rate;
};
bool rate_take(struct rate_table *table, struct rate_limit limit, const struct ip_addr *source,
	uint64_t now_ms);

#endif

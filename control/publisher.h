// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_PUBLISHER_H
#define CONTROL_PUBLISHER_H

#include "control/control.h"
#include "control/snapshot_make.h"

// Brings the dataplane to what control wants: builds snapshots beside the loop, hands them over one
// at a time, and flips the backends' bits of the one that is published.

struct publisher;

struct publisher *publisher_create(struct control *control); // NULL and errno
void publisher_destroy(struct publisher *publisher);

// Something that a snapshot holds has changed: build and publish one as soon as possible. Requests
// that come while one is under way are served together by the next.
void publisher_request(struct publisher *publisher);

// Call fn once everything requested so far is published (rc 0) or was refused (rc < 0).
typedef void publisher_fn(void *arg, int rc, const char *text);
int publisher_wait(struct publisher *publisher, publisher_fn *fn, void *arg); // 0 or -ENOMEM
// Forget a wait, because its owner goes away.
void publisher_cancel(struct publisher *publisher, void *arg);

// Health or an operator changed: send the bits that differ from what the dataplane has.
// NULL is fine.
void publisher_update_bits(struct publisher *publisher);

// From the ipc client: the dataplane runs with this snapshot (NULL: with none); takes over the
// mapping. Then what control wants is published.
void publisher_adopt(struct publisher *publisher, struct snapshot *snapshot, size_t size);
// From the ipc client: the answer to a snapshot; the link is gone.
void publisher_done(struct publisher *publisher, const struct ipc_snapshot_done *done);
void publisher_lost(struct publisher *publisher);

// Routes of the kernel changed: use these from now on. Copies them.
int publisher_set_routes(
	struct publisher *publisher, const struct snapshot_route *routes, uint32_t nb);

// The parts of what another configuration would be as a snapshot, for a dry run: they borrow
// nothing.
int publisher_parts_for(
	struct publisher *publisher, const struct config *config, struct snapshot_parts *parts);

#endif

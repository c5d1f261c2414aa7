// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_BUILDER_H
#define CONTROL_BUILDER_H

#include "control/snapshot_make.h"

// Builds snapshots that nobody publishes, for dry runs: in a thread, one after the other, so that
// the loop goes on with its probes meanwhile. (A large table takes hundreds of milliseconds.)

struct event_base;
struct builder;

struct builder *builder_create(struct event_base *base); // NULL and errno
// Waits for the one under way; nobody is called any more. NULL is fine.
void builder_destroy(struct builder *builder);

// In the loop: rc is what snapshot_parts_build() says; the snapshot is fn's, NULL when rc < 0.
typedef void builder_fn(void *arg, int rc, struct snapshot *snapshot);
// Takes the parts over when it returns 0, else -ENOMEM or -ENOSPC: too many are waiting. The parts
// must borrow nothing: no prev.
int builder_add(
	struct builder *builder, const struct snapshot_parts *parts, builder_fn *fn, void *arg);

#endif

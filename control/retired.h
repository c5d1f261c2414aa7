// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_RETIRED_H
#define CONTROL_RETIRED_H

#include "control/control.h"

// Backends that left the configuration while they were in use. Their dialogs carry tokens with
// their ids, so they stay in the snapshot, in no row of the table and with their pinned bit only,
// until no request went to them for RETIRED_IDLE_MS. Put a backend into `maint` before it is
// removed, and it is gone at once.

// Session timers (RFC 4028) refresh a dialog of the usual 1800 s after half of it.
#define RETIRED_IDLE_MS (20 * 60 * 1000)
#define RETIRED_MAX 256 // of one service

struct retired {
	char name[CONFIG_NAME_MAX + 1];
	struct endpoint addr;
	uint32_t id;
	uint16_t counter;
	uint64_t requests; // sent to it, when last looked
	int64_t active_ms; // CLOCK_MONOTONIC when that number last moved
};

// The backend leaves its service, which goes on as `service`. Nothing happens when it may not be
// used any more anyway, or there are too many.
// Returns whether it was taken in; its counter slot then stays held.
bool retired_add(struct service *service, const struct backend *backend);

// Take over the list of the service's object before a reload, without those whose names are back.
// Released slots are those of `control`.
void retired_inherit(struct control *control, struct service *service, struct service *old);

// From a running dataplane's snapshot, after a restart of this process.
void retired_adopt(struct control *control, const struct snapshot *snapshot);

// Let go of those that were idle for long enough. Returns how many that were.
uint32_t retired_sweep(struct control *control, int64_t now_ms);

void retired_fini(struct control *control, struct service *service);

#endif

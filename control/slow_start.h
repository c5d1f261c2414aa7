// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_SLOW_START_H
#define CONTROL_SLOW_START_H

#include "control/control.h"

// A backend that comes back, or is new to a service that runs, gets its share in steps: its weight
// grows from a tenth to the whole over the service's slow_start. Each step is a new table.

#define SLOW_START_STEPS 10

// The backend has just become usable; `before` is what its health was.
void slow_start_begin(struct backend *backend, enum health_state before, int64_t now_ms);

// Let weights grow. Returns whether one did: the tables must be built again.
bool slow_start_step(struct control *control, int64_t now_ms);

#endif

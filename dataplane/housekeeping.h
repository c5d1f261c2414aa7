// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_HOUSEKEEPING_H
#define DATAPLANE_HOUSEKEEPING_H

#include "dataplane/session.h"

// The main thread's loop: control's socket, the clock that workers read, kernel twins, tables that
// age, and counters once a second. Never waits for a worker.

// Loop until *stop is set (by a signal).
void housekeeping_run(struct session *session, const volatile int *stop);

#endif

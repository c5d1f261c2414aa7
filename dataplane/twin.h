// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_TWIN_H
#define DATAPLANE_TWIN_H

#include "dataplane/worker.h"

// The exception path: frames between ports and their kernel twins. The twins are system calls, so
// housekeeping works them; workers meet it at two rings.

// Housekeeping: take frames from a worker's ring to the kernel, and the kernel's to worker 0.
// Returns how many frames moved.
uint32_t twin_exchange(struct worker *workers, uint16_t nb_workers);

#endif

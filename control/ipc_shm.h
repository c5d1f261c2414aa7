// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_IPC_SHM_H
#define CONTROL_IPC_SHM_H

#include "control/control.h"
#include "dataplane/ipc.h"

// The dataplane's shared memory segment.

// Map it and check that all it describes lies inside. Return 0 and fill in shm, shm_size,
// nb_workers and nb_ports of *dataplane, or -EBADMSG or what mmap() says, and *why (a constant
// string).
int ipc_shm_map(struct dataplane *dataplane, int fd, const char **why);
void ipc_shm_unmap(struct dataplane *dataplane);

// NULL when there is no such worker.
struct ipc_ring *ipc_shm_events(const struct dataplane *dataplane, uint32_t worker);
struct ipc_ring *ipc_shm_traces(const struct dataplane *dataplane, uint32_t worker);
struct ipc_ring *ipc_shm_inject(const struct dataplane *dataplane);

#endif

// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_SHM_H
#define DATAPLANE_SHM_H

#include "dataplane/ipc.h"

// The shared segment of ipc.h: counters and rings, created here, mapped by control.
struct shm {
	struct ipc_shm *head; // NULL: none
	int fd; // memfd, -1: none
	struct ipc_shm layout; // what `head` was created with
};

// Main thread. Return 0, or a negative errno and *shm is unchanged.
int shm_create(struct shm *shm, uint32_t nb_workers, uint32_t nb_ports);
void shm_destroy(struct shm *shm);

struct ipc_port_counters *shm_ports(const struct shm *shm);
struct ipc_worker_counters *shm_worker(const struct shm *shm, uint32_t worker);
struct ipc_ring *shm_events(const struct shm *shm, uint32_t worker);
struct ipc_ring *shm_traces(const struct shm *shm, uint32_t worker);
struct ipc_ring *shm_inject(const struct shm *shm);

#endif

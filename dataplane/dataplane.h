// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_DATAPLANE_H
#define DATAPLANE_DATAPLANE_H

#include "dataplane/eal.h"
#include "dataplane/pmtu.h"
#include "dataplane/shm.h"
#include "dataplane/trace.h"
#include "dataplane/worker.h"

// The whole process. Everything here belongs to the main thread, but for what its members say.
struct dataplane {
	enum ipc_state state;
	char error[256]; // why it FAILED
	struct ipc_start start; // what it runs with
	struct eal_devices devices;

	uint16_t nb_ports, nb_workers;
	struct port ports[IPC_PORTS_MAX];
	struct worker *workers;
	struct rte_mempool *pool, *large;
	struct rte_rcu_qsbr *qsbr;
	struct publisher publisher;
	struct worker_clock clock;
	struct neighbour_table *neighbours;
	struct pmtu_table pmtus;
	struct name_table *names;
	struct trace_filter trace;
	struct binding_table *bindings;
	size_t bindings_size;
	struct shm shm;
	bool launched; // workers run

	int snapshot_fd; // memfd of the published snapshot, -1: none
	uint64_t second; // of the last once-a-second work
};

// Nothing runs yet.
void dataplane_init(struct dataplane *dp);

// Start EAL, ports and workers. Return 0, or a negative errno and text says what failed; after a
// failure of EAL or ports the process cannot try again (state IPC_FAILED).
int dataplane_start(struct dataplane *dp, struct ipc_start *start, char *text, size_t len);
// The same on ports that are there already, for tests and benchmarks: no EAL, no lcores.
int dataplane_start_workers(struct dataplane *dp, char *text, size_t len);

// Stop the workers, close the ports, free everything. Safe whatever has been started.
void dataplane_stop(struct dataplane *dp);

// Check the snapshot in `fd` and make it the current one. Takes over fd when it succeeds.
// Return 0, or a negative errno and *why (a constant string); the one before stays.
int dataplane_publish(
	struct dataplane *dp, int fd, const struct ipc_snapshot *msg, const char **why);

// mbufs that are not in a pool now.
uint32_t dataplane_mbufs_in_use(const struct dataplane *dp);

#endif

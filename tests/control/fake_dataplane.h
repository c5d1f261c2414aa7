// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_CONTROL_FAKE_DATAPLANE_H
#define TESTS_CONTROL_FAKE_DATAPLANE_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/ipc.h"

// The dataplane's side of dataplane/ipc.h on the test's own event loop: it answers what control
// sends, keeps what a test wants to look at, and answers probes like backends would. No packets.

struct event_base;

#define FAKE_PROBES_MAX 64 // backends with a behaviour of their own
#define FAKE_BINDINGS_MAX 64

struct fake_dataplane {
	struct event_base *base;
	char path[108];
	int listen_fd, fd, shm_fd;
	struct event *accept, *readable, *poll;
	struct ipc_shm *shm;
	size_t shm_size;
	uint32_t seq;

	// What a test sets.
	uint32_t state; // enum ipc_state in the next HELLO
	uint32_t nb_workers; // 2 by default
	int32_t start_error; // of STARTED
	int32_t snapshot_error; // of SNAPSHOT_DONE
	bool mute_snapshots; // no SNAPSHOT_DONE at all
	bool stalled; // workers do not turn
	uint16_t probe_status; // that every backend answers with; 0: silence
	struct {
		struct endpoint to;
		uint16_t status;
	} probes[FAKE_PROBES_MAX]; // ... but for these
	uint32_t nb_probes;

	// What a test reads.
	uint32_t nb_accepts, nb_starts, nb_snapshots, nb_bits, nb_neighbours, nb_injected,
		nb_traces;
	uint32_t nb_names;
	struct ipc_start start;
	int snapshot_fd; // the last one published
	const struct snapshot *snapshot; // mapped
	size_t snapshot_size;
	struct backend_bits bits;
	struct ipc_neighbour neighbour; // the last one
	struct ipc_trace trace;
	struct ipc_name name; // the last one
	char injected[IPC_INJECT_SIZE]; // the last one
	uint16_t injected_listener;
	struct endpoint injected_to;
};

// Listens on `path`.
void fake_dataplane_init(struct fake_dataplane *fake, struct event_base *base, const char *path);
void fake_dataplane_fini(struct fake_dataplane *fake);

// Close the connection, as when this process were busy elsewhere; control will come again.
void fake_dataplane_hang_up(struct fake_dataplane *fake);
// As after a restart: nothing runs.
void fake_dataplane_forget(struct fake_dataplane *fake);

// Say something on the connection; fd -1: nothing comes along.
void fake_dataplane_send(
	struct fake_dataplane *fake, uint16_t type, const void *body, size_t len, int fd);
// Octets as they are.
void fake_dataplane_send_raw(struct fake_dataplane *fake, const void *octets, size_t len);

// Put an event into a worker's ring. Returns false when it is full.
bool fake_dataplane_event(
	struct fake_dataplane *fake, uint32_t worker, const struct ipc_event *event);
struct ipc_trace_record *fake_dataplane_trace(struct fake_dataplane *fake, uint32_t worker);
void fake_dataplane_trace_push(struct fake_dataplane *fake, uint32_t worker);

// How a backend answers probes from now on.
void fake_dataplane_answer(
	struct fake_dataplane *fake, const struct endpoint *backend, uint16_t status);

struct ipc_worker_counters *fake_dataplane_counters(struct fake_dataplane *fake, uint32_t worker);

#endif

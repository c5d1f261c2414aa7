// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_SESSION_H
#define DATAPLANE_SESSION_H

#include "dataplane/dataplane.h"
#include "dataplane/ipc_server.h"

// The conversation with control: what its messages mean. Main thread only.
struct session {
	struct dataplane *dp;
	struct ipc_server *server;
	uint64_t done_generation; // SNAPSHOT_DONE to be sent when the one before is freed; 0: none
};

// Work off what poll() reported for the two descriptors of ipc_server_poll_fds().
void session_poll(struct session *session, const struct pollfd fds[2]);
// Say that a snapshot is in place, once no worker sees the one before.
void session_reclaimed(struct session *session);
// Tell control that a link went up or down.
void session_port(struct session *session, uint32_t port, bool link_up);

#endif

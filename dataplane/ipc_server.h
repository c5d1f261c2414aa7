// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_IPC_SERVER_H
#define DATAPLANE_IPC_SERVER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "dataplane/ipc.h"

// The dataplane's end of the socket in ipc.h: framing, descriptors, credentials. What messages mean
// is in session.c. Main thread only.

#define IPC_FDS_MAX 2

struct ipc_server;

struct ipc_in { // a message with a sound header; the body is not checked
	enum ipc_type type;
	void *body; // in the server's buffer, aligned to 8
	size_t len;
	int fd; // the receiver's, -1: none came
};

struct ipc_out {
	enum ipc_type type;
	const void *body;
	size_t len;
	const int *fds;
	unsigned int nb_fds;
};

// Listen at `path`, mode 0600. Returns NULL and errno: EADDRINUSE when another process listens
// there.
struct ipc_server *ipc_server_create(const char *path);
// Also removes the socket file.
void ipc_server_destroy(struct ipc_server *server);

// fds[0]: a newcomer, fds[1]: a message. Returns 2.
unsigned int ipc_server_poll_fds(const struct ipc_server *server, struct pollfd fds[2]);

// Accept a newcomer of our own user or root; it replaces the one before.
// Return 0, -EAGAIN, -EPERM or another negative errno.
int ipc_server_accept(struct ipc_server *server);
// Return 0; -EAGAIN: nothing there; else the connection is of no use any more.
int ipc_server_receive(struct ipc_server *server, struct ipc_in *in);
// Return 0 or a negative errno; the connection is closed then.
int ipc_server_send(struct ipc_server *server, const struct ipc_out *out);
void ipc_server_hang_up(struct ipc_server *server);
bool ipc_server_connected(const struct ipc_server *server);

#endif

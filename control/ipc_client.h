// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_IPC_CLIENT_H
#define CONTROL_IPC_CLIENT_H

#include "control/control.h"
#include "dataplane/ipc.h"

// The link to the dataplane (dataplane/ipc.h): connects, connects again with a growing pause,
// starts a dataplane that is idle, takes over one that runs. Whatever the peer says that makes no
// sense ends the connection; a new one is tried.

struct ipc_client;

// Exit status of a control process that ends because the dataplane cannot start.
#define IPC_CLIENT_EXIT_FAILED 3

// Starts connecting at once. Returns NULL and errno.
struct ipc_client *ipc_client_create(struct control *control, const char *path);
// The dataplane runs on.
void ipc_client_destroy(struct ipc_client *client);

// Queue one message. Return 0, -ENOTCONN (the dataplane does not run, or no link), -EMSGSIZE, or
// -EAGAIN (too much is waiting already).
int ipc_client_send(struct ipc_client *client, enum ipc_type type, const void *body, size_t len);

// The same for IPC_SNAPSHOT, with its memfd, which the caller keeps.
int ipc_client_send_snapshot(struct ipc_client *client, const struct ipc_snapshot *body, int memfd);

// Have worker 0 send a SIP message. Return 0, -ENOTCONN, -EMSGSIZE or -EAGAIN (the ring is full).
int ipc_client_inject(struct ipc_client *client, uint16_t listener_id, const struct endpoint *to,
	const char *octets, size_t len);

#endif

// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_DATAPLANE_SAY_H
#define TESTS_DATAPLANE_SAY_H

#include "dataplane/ipc.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

// A message to the dataplane, as control says it; with a descriptor if that is not -1. 0 or -errno.
static inline int send_message(int fd, uint16_t type, const void *body, size_t len, int with)
{
	struct ipc_header header = {
		IPC_MAGIC, IPC_VERSION, type, (uint32_t)(sizeof(header) + len), 1};
	struct iovec iov[2] = {{&header, sizeof(header)}, {(void *)(uintptr_t)body, len}};
	union {
		struct cmsghdr header;
		char octets[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

	if (with >= 0) {
		msg.msg_control = control.octets;
		msg.msg_controllen = sizeof(control.octets);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &with, sizeof(int));
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

#endif

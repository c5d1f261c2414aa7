// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc_server.h"

#include "dataplane/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

LOG_TOPIC("ipc");

struct ipc_server {
	int listen_fd;
	int fd; // of control, -1: nobody
	uint32_t seq;
	struct sockaddr_un address;
	char buffer[IPC_MESSAGE_MAX] __attribute__((aligned(8)));
};

// A socket file that nobody listens on is the rest of a process that was killed.
static int remove_stale(const struct sockaddr_un *address)
{
	struct stat st;
	int fd, ret;

	if (lstat(address->sun_path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	ret = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	close(fd);
	if (ret == 0)
		return -EADDRINUSE;
	return unlink(address->sun_path) == 0 ? 0 : -errno;
}

static int listen_on(const struct sockaddr_un *address)
{
	mode_t mask;
	int fd, ret;

	ret = remove_stale(address);
	if (ret != 0)
		return ret;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	// The file must never exist with wider permissions, not even for a moment.
	mask = umask(0177);
	ret = bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : -errno;
	umask(mask);
	if (ret == 0 && listen(fd, 4) != 0) {
		ret = -errno;
		unlink(address->sun_path);
	}
	if (ret != 0) {
		close(fd);
		return ret;
	}
	return fd;
}

struct ipc_server *ipc_server_create(const char *path)
{
	struct ipc_server *server = calloc(1, sizeof(*server));

	if (server == NULL)
		return NULL;
	server->fd = -1;
	server->address.sun_family = AF_UNIX;
	if (snprintf(server->address.sun_path, sizeof(server->address.sun_path), "%s", path) >=
		(int)sizeof(server->address.sun_path)) {
		free(server);
		errno = ENAMETOOLONG;
		return NULL;
	}
	server->listen_fd = listen_on(&server->address);
	if (server->listen_fd < 0) {
		int error = -server->listen_fd;

		free(server);
		errno = error;
		return NULL;
	}
	return server;
}

void ipc_server_destroy(struct ipc_server *server)
{
	if (server == NULL)
		return;
	ipc_server_hang_up(server);
	close(server->listen_fd);
	unlink(server->address.sun_path);
	free(server);
}

void ipc_server_hang_up(struct ipc_server *server)
{
	if (server->fd >= 0)
		close(server->fd);
	server->fd = -1;
}

bool ipc_server_connected(const struct ipc_server *server)
{
	return server->fd >= 0;
}

unsigned int ipc_server_poll_fds(const struct ipc_server *server, struct pollfd fds[2])
{
	fds[0] = (struct pollfd){.fd = server->listen_fd, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = server->fd, .events = POLLIN};
	return 2;
}

int ipc_server_accept(struct ipc_server *server)
{
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t len = sizeof(peer);
	int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return errno == EINTR || errno == ECONNABORTED ? -EAGAIN : -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 ||
		(peer.uid != geteuid() && peer.uid != 0)) {
		LOG(WARNING, "a connection of user %u was refused", peer.uid);
		close(fd);
		return -EPERM;
	}
	// One control process at a time; the newcomer is the one that lives.
	ipc_server_hang_up(server);
	server->fd = fd;
	LOG(INFO, "control connected, process %d", peer.pid);
	return 0;
}

int ipc_server_send(struct ipc_server *server, const struct ipc_out *out)
{
	struct ipc_header header = {
		.magic = IPC_MAGIC,
		.version = IPC_VERSION,
		.type = (uint16_t)out->type,
		.len = (uint32_t)(sizeof(header) + out->len),
		.seq = ++server->seq,
	};
	struct iovec iov[2] = {{&header, sizeof(header)}, {(void *)(uintptr_t)out->body, out->len}};
	union {
		struct cmsghdr header;
		char octets[CMSG_SPACE(sizeof(int) * IPC_FDS_MAX)];
	} control = {0};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

	if (server->fd < 0)
		return -ENOTCONN;
	if (out->nb_fds > 0) {
		msg.msg_control = control.octets;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * out->nb_fds);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int) * out->nb_fds);
		memcpy(CMSG_DATA(&control.header), out->fds, sizeof(int) * out->nb_fds);
	}
	if (sendmsg(server->fd, &msg, MSG_NOSIGNAL) < 0) {
		int error = errno;

		// A control that does not read is as good as none.
		LOG(WARNING, "control does not take message %u: %s", out->type, strerror(error));
		ipc_server_hang_up(server);
		return -error;
	}
	return 0;
}

// Keep the first descriptor that came along, close all others. Returns it, or -1.
static int take_fds(struct msghdr *msg)
{
	int kept = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		size_t nb;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		nb = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < nb; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (kept < 0)
				kept = fd;
			else
				close(fd);
		}
	}
	return kept;
}

static const char *check_header(const struct ipc_header *header, size_t len, int flags)
{
	if (flags & (MSG_TRUNC | MSG_CTRUNC))
		return "too long";
	if (len < sizeof(*header))
		return "too short";
	if (header->magic != IPC_MAGIC)
		return "magic";
	if (header->version != IPC_VERSION)
		return "version";
	if (header->len != len)
		return "length";
	if (header->type == 0 || header->type >= IPC_TYPES)
		return "type";
	return NULL;
}

int ipc_server_receive(struct ipc_server *server, struct ipc_in *in)
{
	union {
		struct cmsghdr header;
		char octets[CMSG_SPACE(sizeof(int) * IPC_FDS_MAX)];
	} control = {0};
	struct iovec iov = {server->buffer, sizeof(server->buffer)};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.octets,
		.msg_controllen = sizeof(control.octets),
	};
	const struct ipc_header *header = (const struct ipc_header *)server->buffer;
	const char *wrong;
	ssize_t len;

	len = recvmsg(server->fd, &msg, MSG_CMSG_CLOEXEC);
	if (len < 0)
		return errno == EINTR || errno == EAGAIN ? -EAGAIN : -errno;
	if (len == 0)
		return -ECONNRESET;
	in->fd = take_fds(&msg);
	wrong = check_header(header, (size_t)len, msg.msg_flags);
	if (wrong != NULL) {
		LOG(WARNING, "a message of control is malformed: %s", wrong);
		if (in->fd >= 0)
			close(in->fd);
		return -EBADMSG;
	}
	in->type = (enum ipc_type)header->type;
	in->body = server->buffer + sizeof(*header);
	in->len = (size_t)len - sizeof(*header);
	return 0;
}

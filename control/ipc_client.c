// SPDX-License-Identifier: BSD-3-Clause
#include "control/ipc_client.h"

#include "control/events.h"
#include "control/ipc_shm.h"
#include "control/ipc_start.h"
#include "control/log.h"
#include "control/netlink.h"
#include "control/publisher.h"
#include "control/registrations.h"
#include "control/state_file.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

LOG_TOPIC("dataplane");

#define QUEUE_MAX 4096 // messages waiting for the socket
#define RETRY_MIN_MS 50
#define RETRY_MAX_MS 2000
#define FDS_MAX 2

struct outgoing {
	STAILQ_ENTRY(outgoing) entry;
	int fd; // to pass along; -1: none
	size_t len;
	char octets[];
};

struct ipc_client {
	struct control *control;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	int fd; // -1: not connected
	struct event *readable, *writable, *retry;
	uint32_t retry_ms;
	bool warned; // about the connection that cannot be made
	uint32_t seq;
	uint32_t nb_queued;
	struct ipc_start start; // sent, or what we would send
	STAILQ_HEAD(, outgoing) queue;
};

// One received message.
struct incoming {
	enum ipc_type type;
	const void *body;
	size_t len;
	int fds[FDS_MAX];
	uint32_t nb_fds;
};

static void set_link(struct ipc_client *client, enum dataplane_link link)
{
	struct dataplane *dataplane = &client->control->dataplane;

	if (dataplane->link == link)
		return;
	dataplane->link = link;
	dataplane->since_ms = control_wall_ms();
}

static void schedule_retry(struct ipc_client *client)
{
	struct timeval after = {client->retry_ms / 1000, client->retry_ms % 1000 * 1000};

	evtimer_add(client->retry, &after);
	client->retry_ms *= 2;
	if (client->retry_ms > RETRY_MAX_MS)
		client->retry_ms = RETRY_MAX_MS;
}

static void drop_queue(struct ipc_client *client)
{
	while (!STAILQ_EMPTY(&client->queue)) {
		struct outgoing *message = STAILQ_FIRST(&client->queue);

		STAILQ_REMOVE_HEAD(&client->queue, entry);
		if (message->fd >= 0)
			close(message->fd);
		free(message);
	}
	client->nb_queued = 0;
}

static void close_socket(struct ipc_client *client)
{
	if (client->readable != NULL)
		event_free(client->readable);
	if (client->writable != NULL)
		event_free(client->writable);
	client->readable = client->writable = NULL;
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	drop_queue(client);
}

static void disconnect(struct ipc_client *client, const char *why)
{
	enum dataplane_link before = client->control->dataplane.link;

	close_socket(client);
	set_link(client, LINK_DOWN);
	events_stop(client->control->events);
	if (before == LINK_RUNNING)
		publisher_lost(client->control->publisher);
	if (before != LINK_DOWN)
		LOG(WARNING, "%s: %s; packets flow by what the dataplane has", client->path, why);
	schedule_retry(client);
}

// ---- Sending ------------------------------------------------------------------------------------

// Returns 0, -EAGAIN, or what ends the connection.
static int send_one(struct ipc_client *client, const struct outgoing *message)
{
	union {
		char octets[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {(char *)message->octets, message->len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (message->fd >= 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = control.octets;
		msg.msg_controllen = sizeof(control.octets);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &message->fd, sizeof(int));
	}
	if (sendmsg(client->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	return 0;
}

static void flush_queue(struct ipc_client *client)
{
	while (!STAILQ_EMPTY(&client->queue)) {
		struct outgoing *message = STAILQ_FIRST(&client->queue);
		int rc = send_one(client, message);

		if (rc == -EAGAIN) {
			event_add(client->writable, NULL);
			return;
		}
		if (rc < 0) {
			disconnect(client, strerror(-rc));
			return;
		}
		STAILQ_REMOVE_HEAD(&client->queue, entry);
		client->nb_queued--;
		if (message->fd >= 0)
			close(message->fd);
		free(message);
	}
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	flush_queue(arg);
}

static int enqueue(
	struct ipc_client *client, enum ipc_type type, const void *body, size_t len, int fd)
{
	struct ipc_header header = {.magic = IPC_MAGIC, .version = IPC_VERSION, .type = type};
	struct outgoing *message;

	if (client->fd < 0)
		return -ENOTCONN;
	if (len > IPC_MESSAGE_MAX - sizeof(header))
		return -EMSGSIZE;
	if (client->nb_queued >= QUEUE_MAX)
		return -EAGAIN;
	message = malloc(sizeof(*message) + sizeof(header) + len);
	if (message == NULL)
		return -ENOMEM;
	message->fd = -1;
	if (fd >= 0) {
		message->fd = dup(fd);
		if (message->fd < 0) {
			free(message);
			return -errno;
		}
	}
	message->len = sizeof(header) + len;
	header.len = (uint32_t)message->len;
	header.seq = client->seq++;
	memcpy(message->octets, &header, sizeof(header));
	memcpy(message->octets + sizeof(header), body, len);
	STAILQ_INSERT_TAIL(&client->queue, message, entry);
	client->nb_queued++;
	// From the loop, never from here: a failure would pull the connection from under the
	// caller.
	event_active(client->writable, EV_WRITE, 0);
	return 0;
}

int ipc_client_send(struct ipc_client *client, enum ipc_type type, const void *body, size_t len)
{
	if (client == NULL || client->control->dataplane.link != LINK_RUNNING)
		return -ENOTCONN;
	return enqueue(client, type, body, len, -1);
}

int ipc_client_send_snapshot(struct ipc_client *client, const struct ipc_snapshot *body, int memfd)
{
	if (client == NULL || client->control->dataplane.link != LINK_RUNNING)
		return -ENOTCONN;
	return enqueue(client, IPC_SNAPSHOT, body, sizeof(*body), memfd);
}

int ipc_client_inject(struct ipc_client *client, uint16_t listener_id, const struct endpoint *to,
	const char *octets, size_t len)
{
	struct ipc_ring *ring;
	struct ipc_inject *record;

	if (client == NULL || client->control->dataplane.link != LINK_RUNNING)
		return -ENOTCONN;
	if (len > sizeof(record->octets))
		return -EMSGSIZE;
	ring = ipc_shm_inject(&client->control->dataplane);
	record = ipc_ring_reserve(ring, IPC_INJECT_SLOTS, IPC_INJECT_SIZE);
	if (record == NULL)
		return -EAGAIN;
	record->listener_id = listener_id;
	record->len = (uint16_t)len;
	record->pad = 0;
	record->to = *to;
	memcpy(record->octets, octets, len);
	ipc_ring_push(ring);
	return 0;
}

// ---- Receiving ----------------------------------------------------------------------------------

// The dataplane runs: map what it shares and go on from what it has.
static const char *run_with(struct ipc_client *client, int shm_fd)
{
	struct control *control = client->control;
	const char *why;

	ipc_shm_unmap(&control->dataplane);
	if (ipc_shm_map(&control->dataplane, shm_fd, &why) < 0)
		return why;
	if (control->dataplane.nb_ports != control->boot->dataplane.nb_ports)
		LOG(ERR, "the dataplane runs with %u ports, the file has %u: restart it",
			control->dataplane.nb_ports, control->boot->dataplane.nb_ports);
	client->retry_ms = RETRY_MIN_MS;
	client->warned = false;
	set_link(client, LINK_RUNNING);
	return NULL;
}

static void started(struct ipc_client *client)
{
	struct control *control = client->control;

	netlink_dataplane_started(control->netlink);
	events_start(control->events);
	state_file_save(control);
	registrations_resend(control->registrations);
}

// What a running dataplane has is handed over as the memfd that it came in.
static const char *adopt_snapshot(struct ipc_client *client, int fd, uint64_t generation)
{
	struct stat st;
	struct snapshot *snapshot;
	const char *why;

	if (fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof(*snapshot) ||
		st.st_size > (off_t)SNAPSHOT_SIZE_MAX + (1 << 20))
		return "bad size of the running snapshot";
	snapshot = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (snapshot == MAP_FAILED)
		return "the running snapshot cannot be mapped";
	if (snapshot->size > (uint64_t)st.st_size ||
		snapshot_validate(snapshot, snapshot->size, &why) < 0 ||
		snapshot->generation != generation) {
		munmap(snapshot, (size_t)st.st_size);
		return "the running snapshot is damaged";
	}
	control_adopt_slots(client->control, snapshot);
	publisher_adopt(client->control->publisher, snapshot, (size_t)st.st_size);
	return NULL;
}

static void fill_ports(struct ipc_client *client)
{
	struct dataplane *dataplane = &client->control->dataplane;

	memset(dataplane->ports, 0, sizeof(dataplane->ports));
	for (uint32_t i = 0; i < client->start.nb_ports && i < dataplane->nb_ports; i++) {
		struct ipc_port_info *port = &dataplane->ports[i];

		memcpy(port->name, client->start.ports[i].name, sizeof(port->name));
		memcpy(port->twin, client->start.ports[i].twin, sizeof(port->twin));
		port->mtu = client->start.ports[i].mtu;
		port->link_up = control_port_counters(client->control, i)->link_up != 0;
	}
}

static const char *on_running(
	struct ipc_client *client, const struct ipc_hello *hello, const struct incoming *in)
{
	const char *why;

	if (in->nb_fds < 1)
		return "HELLO without the shared memory";
	why = run_with(client, in->fds[0]);
	if (why != NULL)
		return why;
	fill_ports(client);
	if (!client->control->dataplane.start_matches)
		LOG(WARNING,
			"dataplane %u was started with other values of restart-only keys; "
			"they count until it is restarted",
			hello->pid);
	state_file_restore_health(client->control);
	if (in->nb_fds > 1)
		why = adopt_snapshot(client, in->fds[1], hello->generation);
	else
		publisher_adopt(client->control->publisher, NULL, 0);
	if (why != NULL)
		return why;
	LOG(NOTICE, "took over dataplane %u, generation %llu", hello->pid,
		(unsigned long long)hello->generation);
	started(client);
	return NULL;
}

// The connection stays, so that the one that is started in its place is noticed.
static void start_failed(struct ipc_client *client, const char text[256])
{
	struct control *control = client->control;

	snprintf(control->dataplane.failed, sizeof(control->dataplane.failed), "%.255s", text);
	LOG(ERR, "the dataplane did not start: %s; it must be restarted",
		control->dataplane.failed);
	if (!control->ends_with_dataplane)
		return;
	control->exit_status = IPC_CLIENT_EXIT_FAILED;
	event_base_loopbreak(control->base);
}

static const char *on_hello(struct ipc_client *client, const struct incoming *in)
{
	const struct ipc_hello *hello = in->body;

	if (in->len != sizeof(*hello))
		return "HELLO of a wrong size";
	client->control->dataplane.pid = hello->pid;
	client->control->dataplane.failed[0] = '\0';
	client->control->dataplane.start_matches = hello->start_digest == client->start.digest;
	set_link(client, LINK_CONNECTED);
	switch (hello->state) {
	case IPC_IDLE:
		LOG(INFO, "starting dataplane %u", hello->pid);
		client->control->dataplane.start_matches = true;
		enqueue(client, IPC_START, &client->start, sizeof(client->start), -1);
		return NULL;
	case IPC_RUNNING:
		return on_running(client, hello, in);
	case IPC_FAILED:
		start_failed(client, hello->error);
		return NULL;
	default:
		return "HELLO with an unknown state";
	}
}

static const char *on_started(struct ipc_client *client, const struct incoming *in)
{
	const struct ipc_started *msg = in->body;
	struct dataplane *dataplane = &client->control->dataplane;
	const char *why;

	if (in->len != sizeof(*msg) || dataplane->link != LINK_CONNECTED)
		return "unexpected STARTED";
	if (msg->error != 0) {
		start_failed(client, msg->text);
		return NULL;
	}
	if (in->nb_fds != 1)
		return "STARTED without the shared memory";
	why = run_with(client, in->fds[0]);
	if (why != NULL)
		return why;
	memcpy(dataplane->ports, msg->ports, sizeof(dataplane->ports));
	for (uint32_t i = 0; i < IPC_PORTS_MAX; i++) {
		dataplane->ports[i].name[sizeof(dataplane->ports[i].name) - 1] = '\0';
		dataplane->ports[i].twin[sizeof(dataplane->ports[i].twin) - 1] = '\0';
	}
	LOG(NOTICE, "dataplane %u runs: %u workers, %u ports", dataplane->pid,
		dataplane->nb_workers, dataplane->nb_ports);
	publisher_adopt(client->control->publisher, NULL, 0);
	started(client);
	return NULL;
}

static const char *on_port(struct ipc_client *client, const struct incoming *in)
{
	const struct ipc_port *msg = in->body;
	struct dataplane *dataplane = &client->control->dataplane;

	if (in->len != sizeof(*msg) || msg->port >= dataplane->nb_ports)
		return "bad PORT";
	dataplane->ports[msg->port].link_up = msg->link_up != 0;
	LOG(NOTICE, "port %s: link %s", dataplane->ports[msg->port].name,
		msg->link_up ? "up" : "down");
	return NULL;
}

static const char *handle(struct ipc_client *client, const struct incoming *in)
{
	switch (in->type) {
	case IPC_HELLO:
		return on_hello(client, in);
	case IPC_STARTED:
		return on_started(client, in);
	case IPC_SNAPSHOT_DONE:
		if (in->len != sizeof(struct ipc_snapshot_done))
			return "SNAPSHOT_DONE of a wrong size";
		publisher_done(client->control->publisher, in->body);
		return NULL;
	case IPC_PORT:
		return on_port(client, in);
	default:
		return "unexpected message";
	}
}

static void take_fds(struct msghdr *msg, struct incoming *in)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t nb;

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		nb = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < nb; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(fd));
			if (in->nb_fds < FDS_MAX)
				in->fds[in->nb_fds++] = fd;
			else
				close(fd);
		}
	}
}

// Returns 1: handled one, 0: nothing there, -1: disconnected.
static int receive_one(struct ipc_client *client)
{
	static union {
		struct ipc_header header;
		char octets[IPC_MESSAGE_MAX];
		uint64_t align; // bodies stand at offset 16
	} buf;
	union {
		char octets[CMSG_SPACE(FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {&buf, sizeof(buf)};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.octets,
		.msg_controllen = sizeof(control.octets)};
	struct incoming in = {0};
	const char *why = NULL;
	ssize_t len = recvmsg(client->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (len <= 0) {
		disconnect(client, len == 0 ? "closed by the dataplane" : strerror(errno));
		return -1;
	}
	take_fds(&msg, &in);
	if ((size_t)len < sizeof(buf.header) || buf.header.magic != IPC_MAGIC ||
		buf.header.version != IPC_VERSION || buf.header.len != (size_t)len ||
		(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		why = "not a message of ours";
	in.type = buf.header.type;
	in.body = buf.octets + sizeof(buf.header);
	in.len = (size_t)len - sizeof(buf.header);
	if (why == NULL)
		why = handle(client, &in);
	for (uint32_t i = 0; i < in.nb_fds; i++)
		close(in.fds[i]);
	if (why != NULL) {
		disconnect(client, why);
		return -1;
	}
	return 1;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	while (receive_one(arg) > 0)
		;
}

// ---- Connecting ---------------------------------------------------------------------------------

static int open_socket(struct ipc_client *client)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	memcpy(addr.sun_path, client->path, sizeof(addr.sun_path));
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	client->fd = fd;
	client->readable =
		event_new(client->control->base, fd, EV_READ | EV_PERSIST, on_readable, client);
	client->writable = event_new(client->control->base, fd, EV_WRITE, on_writable, client);
	if (client->readable == NULL || client->writable == NULL) {
		close_socket(client);
		return -ENOMEM;
	}
	event_add(client->readable, NULL);
	return 0;
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct ipc_client *client = arg;
	int rc = open_socket(client);

	if (rc == 0)
		return;
	if (!client->warned)
		LOG(WARNING, "connect %s: %s; trying again", client->path, strerror(-rc));
	client->warned = true;
	schedule_retry(client);
}

struct ipc_client *ipc_client_create(struct control *control, const char *path)
{
	struct ipc_client *client = calloc(1, sizeof(*client));
	struct timeval now = {0};

	if (client == NULL)
		return NULL;
	client->control = control;
	client->fd = -1;
	client->retry_ms = RETRY_MIN_MS;
	STAILQ_INIT(&client->queue);
	ipc_start_make(control->boot, &client->start);
	if (strlen(path) >= sizeof(client->path)) {
		errno = ENAMETOOLONG;
		goto free_client;
	}
	strcpy(client->path, path);
	client->retry = evtimer_new(control->base, on_retry, client);
	if (client->retry == NULL)
		goto free_client;
	evtimer_add(client->retry, &now);
	return client;

free_client:
	free(client);
	return NULL;
}

void ipc_client_destroy(struct ipc_client *client)
{
	if (client == NULL)
		return;
	flush_queue(client);
	close_socket(client);
	event_free(client->retry);
	ipc_shm_unmap(&client->control->dataplane);
	free(client);
}

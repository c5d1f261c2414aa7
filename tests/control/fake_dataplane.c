// SPDX-License-Identifier: BSD-3-Clause
#include "tests/control/fake_dataplane.h"

#include "dataplane/dispatch/token.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define POLL_US 1000

static uint64_t round_up(uint64_t n)
{
	return (n + 63) & ~UINT64_C(63);
}

static void *at(struct fake_dataplane *fake, uint64_t off)
{
	return (char *)fake->shm + off;
}

static void make_shm(struct fake_dataplane *fake)
{
	struct ipc_shm layout = {
		.magic = IPC_SHM_MAGIC,
		.version = IPC_VERSION,
		.nb_workers = fake->nb_workers,
		.nb_ports = fake->start.nb_ports,
		.tsc_hz = 1000000000,
	};
	struct timespec now;
	uint64_t end = round_up(sizeof(layout));

	clock_gettime(CLOCK_REALTIME, &now);
	layout.start_unix_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	layout.ports_off = end;
	end += round_up(layout.nb_ports * sizeof(struct ipc_port_counters));
	layout.workers_off = end;
	layout.workers_stride = round_up(sizeof(struct ipc_worker_counters));
	end += layout.nb_workers * layout.workers_stride;
	layout.events_off = end;
	layout.events_stride = round_up(ipc_ring_size(IPC_EVENT_SLOTS, IPC_EVENT_SIZE));
	end += layout.nb_workers * layout.events_stride;
	layout.traces_off = end;
	layout.traces_stride = round_up(ipc_ring_size(IPC_TRACE_SLOTS, IPC_TRACE_SIZE));
	end += layout.nb_workers * layout.traces_stride;
	layout.inject_off = end;
	end += round_up(ipc_ring_size(IPC_INJECT_SLOTS, IPC_INJECT_SIZE));
	layout.size = end;

	fake->shm_fd = memfd_create("fake-shm", MFD_CLOEXEC);
	ck_assert(fake->shm_fd >= 0 && ftruncate(fake->shm_fd, (off_t)end) == 0);
	fake->shm = mmap(NULL, end, PROT_READ | PROT_WRITE, MAP_SHARED, fake->shm_fd, 0);
	ck_assert(fake->shm != MAP_FAILED);
	*fake->shm = layout;
	fake->shm_size = end;
}

// ---- Sending ------------------------------------------------------------------------------------

static void send_fds(
	struct fake_dataplane *fake, const void *octets, size_t len, const int *fds, size_t nb_fds)
{
	union {
		char octets[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {(void *)octets, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (nb_fds > 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = control.octets;
		msg.msg_controllen = CMSG_SPACE(nb_fds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(nb_fds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, nb_fds * sizeof(int));
	}
	if (sendmsg(fake->fd, &msg, MSG_NOSIGNAL) < 0)
		ck_assert(errno == EPIPE || errno == ECONNRESET || errno == EBADF);
}

static void send_message(struct fake_dataplane *fake, uint16_t type, const void *body, size_t len,
	const int *fds, size_t nb_fds)
{
	static char octets[IPC_MESSAGE_MAX];
	struct ipc_header header = {.magic = IPC_MAGIC,
		.version = IPC_VERSION,
		.type = type,
		.len = (uint32_t)(sizeof(header) + len),
		.seq = fake->seq++};

	memcpy(octets, &header, sizeof(header));
	memcpy(octets + sizeof(header), body, len);
	send_fds(fake, octets, sizeof(header) + len, fds, nb_fds);
}

void fake_dataplane_send(
	struct fake_dataplane *fake, uint16_t type, const void *body, size_t len, int fd)
{
	send_message(fake, type, body, len, &fd, fd >= 0 ? 1 : 0);
}

void fake_dataplane_send_raw(struct fake_dataplane *fake, const void *octets, size_t len)
{
	send_fds(fake, octets, len, NULL, 0);
}

static void say_hello(struct fake_dataplane *fake)
{
	struct ipc_hello hello = {
		.state = fake->state,
		.pid = (uint32_t)getpid(),
		.start_digest = fake->start.digest,
		.generation = fake->snapshot != NULL ? fake->snapshot->generation : 0,
	};
	int fds[2] = {fake->shm_fd, fake->snapshot_fd};

	if (fake->state == IPC_FAILED)
		strcpy(hello.error, "no such port");
	if (fake->state == IPC_RUNNING)
		hello.nb_fds = fake->snapshot != NULL ? 2 : 1;
	send_message(fake, IPC_HELLO, &hello, sizeof(hello), fds, hello.nb_fds);
}

// ---- Receiving ----------------------------------------------------------------------------------

static void on_start(struct fake_dataplane *fake, const void *body, size_t len)
{
	struct ipc_started started = {.error = fake->start_error};

	ck_assert(len == sizeof(fake->start));
	memcpy(&fake->start, body, len);
	fake->nb_starts++;
	if (fake->start_error != 0) {
		strcpy(started.text, "port wan: no such device");
		send_message(fake, IPC_STARTED, &started, sizeof(started), NULL, 0);
		return;
	}
	make_shm(fake);
	fake->state = IPC_RUNNING;
	started.nb_workers = fake->nb_workers;
	started.nb_ports = fake->start.nb_ports;
	for (uint32_t i = 0; i < fake->start.nb_ports; i++) {
		strcpy(started.ports[i].name, fake->start.ports[i].name);
		strcpy(started.ports[i].twin, fake->start.ports[i].twin);
		started.ports[i].link_up = 1;
		started.ports[i].mtu = fake->start.ports[i].mtu;
	}
	send_message(fake, IPC_STARTED, &started, sizeof(started), &fake->shm_fd, 1);
}

static void drop_snapshot(struct fake_dataplane *fake)
{
	if (fake->snapshot != NULL)
		munmap((void *)fake->snapshot, fake->snapshot_size);
	if (fake->snapshot_fd >= 0)
		close(fake->snapshot_fd);
	fake->snapshot = NULL;
	fake->snapshot_fd = -1;
}

// Takes over fd when it is published.
static bool on_snapshot(struct fake_dataplane *fake, const struct ipc_snapshot *msg, int fd)
{
	struct ipc_snapshot_done done = {
		.generation = msg->generation, .error = fake->snapshot_error};
	const char *why;
	struct stat st;
	void *blob;

	fake->nb_snapshots++;
	if (fake->mute_snapshots)
		return false;
	if (fake->snapshot_error != 0) {
		strcpy(done.text, "refused by the test");
		send_message(fake, IPC_SNAPSHOT_DONE, &done, sizeof(done), NULL, 0);
		return false;
	}
	ck_assert(fstat(fd, &st) == 0);
	blob = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	ck_assert(blob != MAP_FAILED);
	ck_assert(snapshot_validate(blob, msg->blob_len, &why) == 0);
	ck_assert(msg->bits_off + sizeof(fake->bits) <= (uint64_t)st.st_size);
	drop_snapshot(fake);
	fake->snapshot = blob;
	fake->snapshot_size = (size_t)st.st_size;
	fake->snapshot_fd = fd;
	memcpy(&fake->bits, (char *)blob + msg->bits_off, sizeof(fake->bits));
	__atomic_store_n(&fake->shm->generation, msg->generation, __ATOMIC_RELAXED);
	send_message(fake, IPC_SNAPSHOT_DONE, &done, sizeof(done), NULL, 0);
	return true;
}

static void set_bit(uint64_t *words, uint16_t index, bool on)
{
	if (on)
		words[index / 64] |= UINT64_C(1) << index % 64;
	else
		words[index / 64] &= ~(UINT64_C(1) << index % 64);
}

static void on_bits(struct fake_dataplane *fake, const struct ipc_bits *msg)
{
	fake->nb_bits++;
	if (fake->snapshot == NULL || msg->generation != fake->snapshot->generation)
		return;
	for (uint32_t i = 0; i < msg->nb; i++) {
		set_bit(fake->bits.fresh, msg->entries[i].backend, msg->entries[i].fresh);
		set_bit(fake->bits.pinned, msg->entries[i].backend, msg->entries[i].pinned);
	}
}

static void on_message(
	struct fake_dataplane *fake, const struct ipc_header *header, const void *body, int fd)
{
	bool kept = false;

	switch (header->type) {
	case IPC_START:
		on_start(fake, body, header->len - sizeof(*header));
		break;
	case IPC_SNAPSHOT:
		ck_assert(fd >= 0);
		kept = on_snapshot(fake, body, fd);
		break;
	case IPC_BITS:
		on_bits(fake, body);
		break;
	case IPC_NEIGHBOUR:
		fake->nb_neighbours++;
		memcpy(&fake->neighbour, body, sizeof(fake->neighbour));
		break;
	case IPC_NAME:
		fake->nb_names++;
		memcpy(&fake->name, body, sizeof(fake->name));
		break;
	case IPC_TRACE:
		fake->nb_traces++;
		memcpy(&fake->trace, body, sizeof(fake->trace));
		break;
	default:
		break;
	}
	if (fd >= 0 && !kept)
		close(fd);
}

static void on_readable(evutil_socket_t socket, short what, void *arg)
{
	static union {
		struct ipc_header header;
		uint64_t align;
		char octets[IPC_MESSAGE_MAX];
	} buf;
	struct fake_dataplane *fake = arg;
	union {
		char octets[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {&buf, sizeof(buf)};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.octets,
		.msg_controllen = sizeof(control.octets)};
	ssize_t len = recvmsg(socket, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *cmsg;
	int fd = -1;

	if (len < 0 && errno == EAGAIN)
		return;
	if (len <= 0) {
		fake_dataplane_hang_up(fake);
		return;
	}
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg != NULL)
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	ck_assert(buf.header.magic == IPC_MAGIC && buf.header.len == (uint32_t)len);
	on_message(fake, &buf.header, buf.octets + sizeof(buf.header), fd);
}

// ---- Probes -------------------------------------------------------------------------------------

static uint16_t answer_of(const struct fake_dataplane *fake, const struct endpoint *to)
{
	for (uint32_t i = 0; i < fake->nb_probes; i++) {
		if (endpoint_eq(&fake->probes[i].to, to))
			return fake->probes[i].status;
	}
	return fake->probe_status;
}

static void answer_probe(struct fake_dataplane *fake, const struct ipc_inject *record)
{
	struct ipc_event event = {.type = IPC_EVENT_PROBE};
	const char *branch = memmem(record->octets, record->len, ";branch=", 8);
	struct timespec now;

	ck_assert(branch != NULL);
	branch += 8;
	event.probe.status = answer_of(fake, &record->to);
	if (event.probe.status == 0)
		return;
	// The branch says which probe it was, as it does to the real one.
	ck_assert(probe_token_verify(fake->snapshot, (struct strv){branch, strcspn(branch, ";\r")},
			  &event.probe.probe_id) == TOKEN_OK);
	clock_gettime(CLOCK_MONOTONIC, &now);
	event.probe.received_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	fake_dataplane_event(fake, 0, &event);
}

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct fake_dataplane *fake = arg;
	const struct ipc_inject *record;
	struct ipc_ring *ring;

	if (fake->shm == NULL)
		return;
	for (uint32_t i = 0; !fake->stalled && i < fake->nb_workers; i++)
		__atomic_fetch_add(&fake_dataplane_counters(fake, i)->turns, 1, __ATOMIC_RELAXED);
	ring = at(fake, fake->shm->inject_off);
	while ((record = ipc_ring_peek(ring, IPC_INJECT_SLOTS, IPC_INJECT_SIZE)) != NULL) {
		fake->nb_injected++;
		memset(fake->injected, 0, sizeof(fake->injected));
		memcpy(fake->injected, record->octets, record->len);
		fake->injected_listener = record->listener_id;
		fake->injected_to = record->to;
		if (fake->snapshot != NULL)
			answer_probe(fake, record);
		ipc_ring_pop(ring);
	}
}

// ---- Life ---------------------------------------------------------------------------------------

static void on_accept(evutil_socket_t socket, short what, void *arg)
{
	struct fake_dataplane *fake = arg;
	int fd = accept4(socket, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	fake_dataplane_hang_up(fake);
	fake->fd = fd;
	fake->nb_accepts++;
	fake->readable = event_new(fake->base, fd, EV_READ | EV_PERSIST, on_readable, fake);
	event_add(fake->readable, NULL);
	say_hello(fake);
}

void fake_dataplane_init(struct fake_dataplane *fake, struct event_base *base, const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct timeval every = {0, POLL_US};

	*fake = (struct fake_dataplane){
		.base = base,
		.fd = -1,
		.shm_fd = -1,
		.snapshot_fd = -1,
		.state = IPC_IDLE,
		.nb_workers = 2,
		.probe_status = 200,
	};
	snprintf(fake->path, sizeof(fake->path), "%s", path);
	strcpy(addr.sun_path, fake->path);
	fake->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert(bind(fake->listen_fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	ck_assert(listen(fake->listen_fd, 4) == 0);
	fake->accept = event_new(base, fake->listen_fd, EV_READ | EV_PERSIST, on_accept, fake);
	event_add(fake->accept, NULL);
	fake->poll = event_new(base, -1, EV_PERSIST, on_poll, fake);
	event_add(fake->poll, &every);
}

void fake_dataplane_hang_up(struct fake_dataplane *fake)
{
	if (fake->fd < 0)
		return;
	event_free(fake->readable);
	close(fake->fd);
	fake->fd = -1;
}

void fake_dataplane_forget(struct fake_dataplane *fake)
{
	fake_dataplane_hang_up(fake);
	drop_snapshot(fake);
	if (fake->shm != NULL)
		munmap(fake->shm, fake->shm_size);
	if (fake->shm_fd >= 0)
		close(fake->shm_fd);
	fake->shm = NULL;
	fake->shm_fd = -1;
	fake->state = IPC_IDLE;
}

void fake_dataplane_fini(struct fake_dataplane *fake)
{
	fake_dataplane_forget(fake);
	event_free(fake->accept);
	event_free(fake->poll);
	close(fake->listen_fd);
	unlink(fake->path);
}

// ---- What tests ask for -------------------------------------------------------------------------

bool fake_dataplane_event(
	struct fake_dataplane *fake, uint32_t worker, const struct ipc_event *event)
{
	struct ipc_ring *ring = at(fake, fake->shm->events_off + worker * fake->shm->events_stride);
	struct ipc_event *record = ipc_ring_reserve(ring, IPC_EVENT_SLOTS, IPC_EVENT_SIZE);

	if (record == NULL)
		return false;
	*record = *event;
	ipc_ring_push(ring);
	return true;
}

struct ipc_trace_record *fake_dataplane_trace(struct fake_dataplane *fake, uint32_t worker)
{
	return ipc_ring_reserve(at(fake, fake->shm->traces_off + worker * fake->shm->traces_stride),
		IPC_TRACE_SLOTS, IPC_TRACE_SIZE);
}

void fake_dataplane_trace_push(struct fake_dataplane *fake, uint32_t worker)
{
	ipc_ring_push(at(fake, fake->shm->traces_off + worker * fake->shm->traces_stride));
}

void fake_dataplane_answer(
	struct fake_dataplane *fake, const struct endpoint *backend, uint16_t status)
{
	for (uint32_t i = 0; i < fake->nb_probes; i++) {
		if (endpoint_eq(&fake->probes[i].to, backend)) {
			fake->probes[i].status = status;
			return;
		}
	}
	ck_assert(fake->nb_probes < FAKE_PROBES_MAX);
	fake->probes[fake->nb_probes].to = *backend;
	fake->probes[fake->nb_probes++].status = status;
}

struct ipc_worker_counters *fake_dataplane_counters(struct fake_dataplane *fake, uint32_t worker)
{
	return at(fake, fake->shm->workers_off + worker * fake->shm->workers_stride);
}

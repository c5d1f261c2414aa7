// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

// A page each: two workers never share a line, and nothing shares with control's rings.
#define SHM_ALIGN UINT64_C(4096)

static uint64_t align_up(uint64_t n)
{
	return (n + SHM_ALIGN - 1) & ~(SHM_ALIGN - 1);
}

// The offsets of everything that follows the head; returns the size of the segment.
static uint64_t lay_out(struct ipc_shm *head, uint32_t nb_workers, uint32_t nb_ports)
{
	uint64_t off = align_up(sizeof(*head));

	head->ports_off = off;
	off = align_up(off + nb_ports * sizeof(struct ipc_port_counters));

	head->workers_off = off;
	head->workers_stride = align_up(sizeof(struct ipc_worker_counters));
	off += nb_workers * head->workers_stride;

	head->events_off = off;
	head->events_stride = align_up(ipc_ring_size(IPC_EVENT_SLOTS, IPC_EVENT_SIZE));
	off += nb_workers * head->events_stride;

	head->traces_off = off;
	head->traces_stride = align_up(ipc_ring_size(IPC_TRACE_SLOTS, IPC_TRACE_SIZE));
	off += nb_workers * head->traces_stride;

	head->inject_off = off;
	return align_up(off + ipc_ring_size(IPC_INJECT_SLOTS, IPC_INJECT_SIZE));
}

int shm_create(struct shm *shm, uint32_t nb_workers, uint32_t nb_ports)
{
	struct ipc_shm layout = {
		.magic = IPC_SHM_MAGIC,
		.version = IPC_VERSION,
		.nb_workers = nb_workers,
		.nb_ports = nb_ports,
	};
	struct timespec now;
	void *mapped;
	int fd, ret;

	layout.size = lay_out(&layout, nb_workers, nb_ports);
	clock_gettime(CLOCK_REALTIME, &now);
	layout.start_unix_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;

	fd = memfd_create("sipshunt-shm", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	// Sealed against resizing: a truncation by the other side would be a SIGBUS on this one.
	if (ftruncate(fd, (off_t)layout.size) != 0 ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
		ret = -errno;
		goto close_fd;
	}
	mapped = mmap(NULL, layout.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED) {
		ret = -errno;
		goto close_fd;
	}
	shm->head = mapped;
	shm->layout = layout;
	*shm->head = layout;
	shm->fd = fd;
	return 0;

close_fd:
	close(fd);
	return ret;
}

void shm_destroy(struct shm *shm)
{
	if (shm->head == NULL)
		return;
	munmap(shm->head, shm->layout.size);
	close(shm->fd);
	*shm = (struct shm){.fd = -1};
}

// Offsets come from our own copy of the layout: control can write to the segment, and must not be
// able to make us write elsewhere.
static void *shm_at(const struct shm *shm, uint64_t off)
{
	return (char *)shm->head + off;
}

struct ipc_port_counters *shm_ports(const struct shm *shm)
{
	return shm_at(shm, shm->layout.ports_off);
}

struct ipc_worker_counters *shm_worker(const struct shm *shm, uint32_t worker)
{
	return shm_at(shm, shm->layout.workers_off + worker * shm->layout.workers_stride);
}

struct ipc_ring *shm_events(const struct shm *shm, uint32_t worker)
{
	return shm_at(shm, shm->layout.events_off + worker * shm->layout.events_stride);
}

struct ipc_ring *shm_traces(const struct shm *shm, uint32_t worker)
{
	return shm_at(shm, shm->layout.traces_off + worker * shm->layout.traces_stride);
}

struct ipc_ring *shm_inject(const struct shm *shm)
{
	return shm_at(shm, shm->layout.inject_off);
}

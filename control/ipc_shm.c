// SPDX-License-Identifier: BSD-3-Clause
#include "control/ipc_shm.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

// nb objects of `size` octets, `stride` apart, from `off` on.
static bool fits(size_t total, uint64_t off, uint64_t stride, uint64_t nb, uint64_t size)
{
	if (off % 64 != 0 || off > total || (nb > 1 && (stride < size || stride % 64 != 0)))
		return false;
	if (nb == 0)
		return true;
	if (size > total - off)
		return false;
	return nb == 1 || stride <= (total - off - size) / (nb - 1);
}

static const char *check(const struct ipc_shm *shm, size_t size)
{
	uint64_t workers = shm->nb_workers;

	if (shm->magic != IPC_SHM_MAGIC || shm->version != IPC_VERSION)
		return "another version of the dataplane";
	if (shm->size > size)
		return "the segment is shorter than it says";
	if (workers == 0 || workers > IPC_WORKERS_MAX || shm->nb_ports > IPC_PORTS_MAX)
		return "bad number of workers or ports";
	if (!fits(size, shm->ports_off, sizeof(struct ipc_port_counters), 1,
		    shm->nb_ports * sizeof(struct ipc_port_counters)))
		return "port counters are outside";
	if (!fits(size, shm->workers_off, shm->workers_stride, workers,
		    sizeof(struct ipc_worker_counters)))
		return "worker counters are outside";
	if (!fits(size, shm->events_off, shm->events_stride, workers,
		    ipc_ring_size(IPC_EVENT_SLOTS, IPC_EVENT_SIZE)))
		return "event rings are outside";
	if (!fits(size, shm->traces_off, shm->traces_stride, workers,
		    ipc_ring_size(IPC_TRACE_SLOTS, IPC_TRACE_SIZE)))
		return "trace rings are outside";
	if (!fits(size, shm->inject_off, 0, 1, ipc_ring_size(IPC_INJECT_SLOTS, IPC_INJECT_SIZE)))
		return "the injection ring is outside";
	return NULL;
}

int ipc_shm_map(struct dataplane *dataplane, int fd, const char **why)
{
	struct stat st;
	struct ipc_shm *shm;

	*why = "cannot be mapped";
	if (fstat(fd, &st) < 0)
		return -errno;
	*why = "too short";
	if (st.st_size < (off_t)sizeof(*shm))
		return -EBADMSG;
	*why = "cannot be mapped";
	shm = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shm == MAP_FAILED)
		return -errno;
	*why = check(shm, (size_t)st.st_size);
	if (*why != NULL) {
		munmap(shm, (size_t)st.st_size);
		return -EBADMSG;
	}
	dataplane->shm = shm;
	dataplane->shm_size = (size_t)st.st_size;
	dataplane->nb_workers = shm->nb_workers;
	dataplane->nb_ports = shm->nb_ports;
	return 0;
}

void ipc_shm_unmap(struct dataplane *dataplane)
{
	if (dataplane->shm != NULL)
		munmap(dataplane->shm, dataplane->shm_size);
	dataplane->shm = NULL;
	dataplane->shm_size = 0;
	dataplane->nb_workers = dataplane->nb_ports = 0;
}

static struct ipc_ring *ring_at(const struct dataplane *dataplane, uint64_t off)
{
	return (struct ipc_ring *)((char *)dataplane->shm + off);
}

struct ipc_ring *ipc_shm_events(const struct dataplane *dataplane, uint32_t worker)
{
	if (worker >= dataplane->nb_workers)
		return NULL;
	return ring_at(
		dataplane, dataplane->shm->events_off + worker * dataplane->shm->events_stride);
}

struct ipc_ring *ipc_shm_traces(const struct dataplane *dataplane, uint32_t worker)
{
	if (worker >= dataplane->nb_workers)
		return NULL;
	return ring_at(
		dataplane, dataplane->shm->traces_off + worker * dataplane->shm->traces_stride);
}

struct ipc_ring *ipc_shm_inject(const struct dataplane *dataplane)
{
	return dataplane->shm == NULL ? NULL : ring_at(dataplane, dataplane->shm->inject_off);
}

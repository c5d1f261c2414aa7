// SPDX-License-Identifier: BSD-3-Clause
#include "control/ipc_shm.h"

#include "tests/control/suite.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// A segment for one worker and two ports, everything where it belongs; the tests break it.
static struct ipc_shm make_layout(void)
{
	struct ipc_shm shm = {
		.magic = IPC_SHM_MAGIC, .version = IPC_VERSION, .nb_workers = 2, .nb_ports = 2};
	uint64_t end = 1024;

	shm.ports_off = end;
	end += 1024;
	shm.workers_off = end;
	shm.workers_stride = (sizeof(struct ipc_worker_counters) + 63) & ~UINT64_C(63);
	end += 2 * shm.workers_stride;
	shm.events_off = end;
	shm.events_stride = ipc_ring_size(IPC_EVENT_SLOTS, IPC_EVENT_SIZE);
	end += 2 * shm.events_stride;
	shm.traces_off = end;
	shm.traces_stride = ipc_ring_size(IPC_TRACE_SLOTS, IPC_TRACE_SIZE);
	end += 2 * shm.traces_stride;
	shm.inject_off = end;
	end += ipc_ring_size(IPC_INJECT_SLOTS, IPC_INJECT_SIZE);
	shm.size = end;
	return shm;
}

static int map(const struct ipc_shm *layout, uint64_t size, struct dataplane *dataplane)
{
	int fd = memfd_create("test", MFD_CLOEXEC), rc;
	const char *why = NULL;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	if (size >= sizeof(*layout))
		ck_assert_int_eq(pwrite(fd, layout, sizeof(*layout), 0), sizeof(*layout));
	rc = ipc_shm_map(dataplane, fd, &why);
	ck_assert(rc == 0 || why != NULL);
	close(fd);
	return rc;
}

START_TEST(maps_what_is_right)
{
	struct ipc_shm layout = make_layout();
	struct dataplane dataplane = {0};

	ck_assert_int_eq(map(&layout, layout.size, &dataplane), 0);
	ck_assert_uint_eq(dataplane.nb_workers, 2);
	ck_assert_ptr_nonnull(ipc_shm_events(&dataplane, 1));
	ck_assert_ptr_nonnull(ipc_shm_traces(&dataplane, 1));
	ck_assert_ptr_null(ipc_shm_events(&dataplane, 2));
	ck_assert_ptr_null(ipc_shm_traces(&dataplane, 2));
	// The last octet of the last ring is there.
	memset(ipc_shm_inject(&dataplane)->records + (IPC_INJECT_SLOTS - 1) * IPC_INJECT_SIZE, 1,
		IPC_INJECT_SIZE);
	ipc_shm_unmap(&dataplane);
	ck_assert_ptr_null(dataplane.shm);
	ck_assert_ptr_null(ipc_shm_inject(&dataplane));
}
END_TEST

#define FIELD(name) offsetof(struct ipc_shm, name), sizeof(((struct ipc_shm *)NULL)->name)

static const struct {
	size_t off, size;
	uint64_t value;
} broken[] = {
	{FIELD(magic), 1},
	{FIELD(version), 99},
	{FIELD(nb_workers), 0},
	{FIELD(nb_workers), IPC_WORKERS_MAX + 1},
	{FIELD(nb_workers), IPC_WORKERS_MAX}, // more than there is room for
	{FIELD(nb_workers), UINT32_MAX},
	{FIELD(nb_ports), IPC_PORTS_MAX + 1},
	{FIELD(size), UINT64_MAX},
	{FIELD(ports_off), UINT64_MAX},
	{FIELD(ports_off), UINT64_MAX - 63},
	{FIELD(workers_off), 1025}, // not aligned
	{FIELD(workers_off), UINT64_C(1) << 40},
	{FIELD(workers_stride), 0},
	{FIELD(workers_stride), 64}, // one lies over the other
	{FIELD(workers_stride), UINT64_MAX - 63},
	{FIELD(events_off), UINT64_C(1) << 40},
	{FIELD(events_stride), 0},
	{FIELD(events_stride), UINT64_C(1) << 63},
	{FIELD(traces_off), UINT64_MAX - 63},
	{FIELD(traces_stride), 1},
	{FIELD(inject_off), UINT64_C(1) << 40},
};

START_TEST(refuses_what_points_outside)
{
	struct ipc_shm layout = make_layout();
	struct dataplane dataplane = {0};
	uint64_t size = layout.size;

	memcpy((char *)&layout + broken[_i].off, &broken[_i].value, broken[_i].size);
	ck_assert_int_eq(map(&layout, size, &dataplane), -EBADMSG);
	ck_assert_ptr_null(dataplane.shm);
}
END_TEST

START_TEST(refuses_what_is_cut_off)
{
	struct ipc_shm layout = make_layout();
	struct dataplane dataplane = {0};

	ck_assert_int_eq(map(&layout, layout.size - 1, &dataplane), -EBADMSG);
	ck_assert_int_eq(map(&layout, 100, &dataplane), -EBADMSG);
	ck_assert_int_eq(map(&layout, 0, &dataplane), -EBADMSG);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("ipc_shm");

	tcase_add_test(tc, maps_what_is_right);
	tcase_add_loop_test(
		tc, refuses_what_points_outside, 0, (int)(sizeof(broken) / sizeof(broken[0])));
	tcase_add_test(tc, refuses_what_is_cut_off);
	return suite_run(tc);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "control/ipc_client.h"

#include "tests/control/lab.h"
#include "tests/control/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static struct lab lab;

static void setup(void)
{
	lab_start(&lab, NULL);
}

static void teardown(void)
{
	lab_stop(&lab);
}

static bool is_running(struct lab *l)
{
	return l->control.dataplane.link == LINK_RUNNING;
}

static bool is_down(struct lab *l)
{
	return l->control.dataplane.link == LINK_DOWN;
}

static bool is_accepted_again(struct lab *l)
{
	return l->fake.nb_accepts >= 2;
}

static bool has_failed(struct lab *l)
{
	return l->control.dataplane.failed[0] != '\0';
}

START_TEST(starts_an_idle_dataplane)
{
	ck_assert(lab_until(&lab, is_running));
	ck_assert_uint_eq(lab.fake.nb_starts, 1);
	ck_assert_uint_eq(lab.fake.start.nb_workers, 1);
	ck_assert_uint_eq(lab.fake.start.worker_cpus[0], 1);
	ck_assert_uint_eq(lab.fake.start.nb_ports, 2);
	ck_assert_uint_eq(lab.fake.start.reassembly_fragments, 8);
	ck_assert_str_eq(lab.fake.start.ports[0].name, "wan");
	ck_assert_str_eq(lab.fake.start.ports[0].device, "net_null0");
	ck_assert_str_eq(lab.fake.start.ports[0].twin, "");
	ck_assert_uint_eq(lab.control.dataplane.nb_workers, 2);
	ck_assert(lab.control.dataplane.start_matches);
}
END_TEST

START_TEST(takes_over_what_runs)
{
	uint64_t generation;

	ck_assert(lab_until(&lab, lab_is_up));
	generation = lab.control.dataplane.generation;
	fake_dataplane_hang_up(&lab.fake);
	ck_assert(lab_until(&lab, is_down));
	// The last snapshot is still known while nobody is there.
	ck_assert_ptr_nonnull(lab.control.dataplane.snapshot);
	ck_assert(lab_until(&lab, is_running));
	ck_assert_uint_eq(lab.fake.nb_starts, 1);
	ck_assert_uint_ge(lab.control.dataplane.generation, generation);
	ck_assert(lab_until(&lab, lab_is_up));
}
END_TEST

START_TEST(a_new_process_goes_on_from_what_runs)
{
	uint64_t generation, hash;

	ck_assert(lab_until(&lab, lab_is_up));
	generation = lab.control.dataplane.generation;
	hash = lab.control.services[0]->table_hash;
	lab_restart_control(&lab);
	ck_assert(lab_until(&lab, lab_is_published));
	ck_assert_uint_eq(lab.fake.nb_starts, 1);
	ck_assert_uint_ge(lab.control.dataplane.generation, generation);
	ck_assert_uint_eq(lab.control.services[0]->table_hash, hash);
}
END_TEST

START_TEST(a_dataplane_that_was_restarted_gets_everything_again)
{
	ck_assert(lab_until(&lab, lab_is_up));
	fake_dataplane_forget(&lab.fake);
	ck_assert(lab_until(&lab, is_down));
	ck_assert(lab_until(&lab, is_running));
	ck_assert_uint_eq(lab.fake.nb_starts, 2);
	ck_assert_ptr_null(lab.control.dataplane.snapshot);
	ck_assert(lab_until(&lab, lab_is_published));
	ck_assert(lab_fresh(&lab, "access/b1"));
}
END_TEST

START_TEST(another_start_is_noticed)
{
	ck_assert(lab_until(&lab, is_running));
	lab.fake.start.digest++;
	fake_dataplane_hang_up(&lab.fake);
	ck_assert(lab_until(&lab, is_down));
	ck_assert(lab_until(&lab, is_running));
	ck_assert(!lab.control.dataplane.start_matches);
}
END_TEST

START_TEST(a_failed_start_is_kept_for_the_operator)
{
	lab.fake.start_error = -ENODEV;
	ck_assert(lab_until(&lab, has_failed));
	ck_assert_str_eq(lab.control.dataplane.failed, "port wan: no such device");
	ck_assert_int_ne(lab.control.dataplane.link, LINK_RUNNING);
	// The one that is started in its place is noticed.
	lab.fake.start_error = 0;
	fake_dataplane_forget(&lab.fake);
	ck_assert(lab_until(&lab, is_running));
	ck_assert_str_eq(lab.control.dataplane.failed, "");
}
END_TEST

START_TEST(an_injected_message_reaches_the_ring)
{
	const struct endpoint to = {{4, {10, 20, 1, 11}}, 5060};

	ck_assert(lab_until(&lab, is_running));
	ck_assert_int_eq(
		ipc_client_inject(lab.control.ipc, 1, &to, "x", IPC_INJECT_SIZE), -EMSGSIZE);
	fake_dataplane_hang_up(&lab.fake);
	ck_assert(lab_until(&lab, is_down));
	ck_assert_int_eq(ipc_client_inject(lab.control.ipc, 1, &to, "x", 1), -ENOTCONN);
	ck_assert_int_eq(ipc_client_send(lab.control.ipc, IPC_LOG, "x", 1), -ENOTCONN);
}
END_TEST

START_TEST(a_message_that_is_too_long_is_refused)
{
	static char body[IPC_MESSAGE_MAX];

	ck_assert(lab_until(&lab, is_running));
	ck_assert_int_eq(
		ipc_client_send(lab.control.ipc, IPC_BINDINGS, body, sizeof(body)), -EMSGSIZE);
}
END_TEST

// What the peer may say wrong; each ends the connection, and a new one is made.
static const struct {
	uint32_t magic;
	uint16_t version, type;
	uint32_t len;
} malformed[] = {
	{0, IPC_VERSION, IPC_PORT, 24},
	{IPC_MAGIC, IPC_VERSION + 1, IPC_PORT, 24},
	{IPC_MAGIC, IPC_VERSION, 0, 24},
	{IPC_MAGIC, IPC_VERSION, IPC_TYPES, 24},
	{IPC_MAGIC, IPC_VERSION, IPC_START, 24}, // ours to say
	{IPC_MAGIC, IPC_VERSION, IPC_HELLO, 24},
	{IPC_MAGIC, IPC_VERSION, IPC_STARTED, 24},
	{IPC_MAGIC, IPC_VERSION, IPC_SNAPSHOT_DONE, 24},
	{IPC_MAGIC, IPC_VERSION, IPC_PORT, 16},
	{IPC_MAGIC, IPC_VERSION, IPC_PORT, 25}, // not what came
	{IPC_MAGIC, IPC_VERSION, IPC_PORT, UINT32_MAX},
};

START_TEST(nonsense_ends_the_connection_not_the_process)
{
	struct {
		struct ipc_header header;
		struct ipc_port body;
	} message = {{malformed[_i].magic, malformed[_i].version, malformed[_i].type,
			     malformed[_i].len, 0},
		{0, 1}};
	size_t len = malformed[_i].len == 16 ? 16 : 24;

	ck_assert(lab_until(&lab, lab_is_published));
	fake_dataplane_send_raw(&lab.fake, &message, len);
	ck_assert(lab_until(&lab, is_accepted_again));
	ck_assert(lab_until(&lab, is_running));
}
END_TEST

START_TEST(a_port_that_is_not_there_ends_the_connection)
{
	const struct ipc_port port = {99, 1};

	ck_assert(lab_until(&lab, lab_is_published));
	fake_dataplane_send(&lab.fake, IPC_PORT, &port, sizeof(port), -1);
	ck_assert(lab_until(&lab, is_accepted_again));
}
END_TEST

START_TEST(a_link_change_is_taken)
{
	const struct ipc_port port = {1, 0};

	ck_assert(lab_until(&lab, lab_is_published));
	ck_assert(lab.control.dataplane.ports[1].link_up);
	fake_dataplane_send(&lab.fake, IPC_PORT, &port, sizeof(port), -1);
	lab_run_ms(&lab, 20);
	ck_assert(!lab.control.dataplane.ports[1].link_up);
}
END_TEST

START_TEST(a_damaged_running_snapshot_is_not_adopted)
{
	int fd;

	ck_assert(lab_until(&lab, lab_is_published));
	// The fake hands over another file than it published.
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	dup2(fd, lab.fake.snapshot_fd);
	close(fd);
	lab.control.dataplane.generation = 0;
	fake_dataplane_hang_up(&lab.fake);
	ck_assert(lab_until(&lab, is_accepted_again));
	lab_run_ms(&lab, 50);
	ck_assert_int_ne(lab.control.dataplane.link, LINK_RUNNING);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("ipc_client");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, starts_an_idle_dataplane);
	tcase_add_test(tc, takes_over_what_runs);
	tcase_add_test(tc, a_new_process_goes_on_from_what_runs);
	tcase_add_test(tc, a_dataplane_that_was_restarted_gets_everything_again);
	tcase_add_test(tc, another_start_is_noticed);
	tcase_add_test(tc, a_failed_start_is_kept_for_the_operator);
	tcase_add_test(tc, an_injected_message_reaches_the_ring);
	tcase_add_test(tc, a_message_that_is_too_long_is_refused);
	tcase_add_loop_test(tc, nonsense_ends_the_connection_not_the_process, 0,
		(int)(sizeof(malformed) / sizeof(malformed[0])));
	tcase_add_test(tc, a_port_that_is_not_there_ends_the_connection);
	tcase_add_test(tc, a_link_change_is_taken);
	tcase_add_test(tc, a_damaged_running_snapshot_is_not_adopted);
	return suite_run(tc);
}

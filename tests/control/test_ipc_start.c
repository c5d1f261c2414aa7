// SPDX-License-Identifier: BSD-3-Clause
#include "control/ipc_start.h"

#include "tests/control/lab.h"
#include "tests/control/suite.h"

#include <stdio.h>
#include <string.h>

static struct lab lab;
static struct ipc_start start;

static void make(const char *yaml)
{
	lab_load(&lab, yaml);
	// What was there before must not shine through.
	memset(&start, 0x5a, sizeof(start));
	ipc_start_make(lab.control.config, &start);
	lab_stop(&lab);
}

// The dataplane section gets these keys too.
static const char *with(const char *keys)
{
	static char text[256];

	snprintf(text, sizeof(text), "  exception_path: none\n%s", keys);
	return lab_edit("  exception_path: none\n", text);
}

START_TEST(ports_and_workers_are_as_in_the_file)
{
	make(NULL);
	ck_assert_uint_eq(start.nb_workers, 1);
	ck_assert_uint_eq(start.worker_cpus[0], 1);
	ck_assert_uint_eq(start.nb_ports, 2);
	ck_assert_str_eq(start.ports[0].name, "wan");
	ck_assert_str_eq(start.ports[1].device, "net_null1");
	ck_assert_uint_eq(start.ports[1].mtu, 1500);
	ck_assert_str_eq(start.ports[2].name, "");
	ck_assert_uint_eq(start.idle, IPC_IDLE_POLL);
	ck_assert_uint_eq(start.hugepages, IPC_HUGEPAGES_AUTO);
	ck_assert_uint_eq(start.txn_entries & (start.txn_entries - 1), 0);
}
END_TEST

START_TEST(a_twin_is_asked_for_only_where_the_kernel_has_one)
{
	make(NULL);
	ck_assert_str_eq(start.ports[0].twin, "");
	make(lab_edit("exception_path: none", "exception_path: tap"));
	ck_assert_str_eq(start.ports[0].twin, "sx-wan");
}
END_TEST

START_TEST(housekeeping_takes_no_worker_s_cpu)
{
	make(lab_edit("workers: \"1\"", "workers: \"0\""));
	ck_assert_uint_ne(start.main_cpu, 0);
	make(lab_edit("workers: \"1\"", "workers: \"1\"\n  control_cpus: \"3,2\""));
	ck_assert_uint_eq(start.main_cpu, 2);
}
END_TEST

// Every key that needs a restart is part of the digest.
static const char *const keys[] = {
	"  memory: 999MiB\n",
	"  hugepages: \"off\"\n",
	"  hugepages: \"on\"\n",
	"  idle: pause\n",
	"  file_prefix: other\n",
	"  control_cpus: \"7\"\n",
	"  reassembly: {timeout: 1s}\n",
	"  reassembly: {flows: 128}\n",
	"  reassembly: {per_source: 3}\n",
	"  reassembly: {max_fragments: 7}\n",
};

START_TEST(the_digest_tells_two_starts_apart)
{
	uint64_t digest;

	make(NULL);
	digest = start.digest;
	ck_assert_uint_ne(digest, 0);
	make(NULL);
	ck_assert_uint_eq(start.digest, digest);
	make(with(keys[_i]));
	ck_assert_uint_ne(start.digest, digest);
}
END_TEST

// What a reload can change is not.
static const char *const reloadable[][2] = {
	{"name: b1", "name: b1, weight: 7"},
	{"interval: 50ms", "interval: 60ms"},
	{"level: err", "level: debug"},
};

START_TEST(what_a_reload_changes_is_no_other_start)
{
	uint64_t digest;

	make(NULL);
	digest = start.digest;
	make(lab_edit(reloadable[_i][0], reloadable[_i][1]));
	ck_assert_uint_eq(start.digest, digest);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("ipc_start");

	tcase_add_test(tc, ports_and_workers_are_as_in_the_file);
	tcase_add_test(tc, a_twin_is_asked_for_only_where_the_kernel_has_one);
	tcase_add_test(tc, housekeeping_takes_no_worker_s_cpu);
	tcase_add_loop_test(
		tc, the_digest_tells_two_starts_apart, 0, sizeof(keys) / sizeof(keys[0]));
	tcase_add_loop_test(tc, what_a_reload_changes_is_no_other_start, 0,
		sizeof(reloadable) / sizeof(reloadable[0]));
	return suite_run(tc);
}

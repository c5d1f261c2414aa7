// SPDX-License-Identifier: BSD-3-Clause
#include "control/parts.h"

#include "tests/control/lab.h"
#include "tests/control/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct lab lab;

static void teardown(void)
{
	lab_stop(&lab);
}

// The sections are those of the file beside what lab_default has.
static const char *with(const char *sections)
{
	static char text[512];

	snprintf(text, sizeof(text), "%slog:", sections);
	return lab_edit("log:", text);
}

START_TEST(nothing_waits_for_a_dataplane)
{
	lab_load(&lab, NULL);
	ck_assert_int_eq(parts_start(&lab.control, NULL), 0);
	lab_run_ms(&lab, 50);
	ck_assert_int_ne(lab.control.dataplane.link, LINK_RUNNING);
	json_decref(lab_command(&lab, "status", NULL));
}
END_TEST

START_TEST(a_dataplane_that_comes_later_is_found)
{
	lab_load(&lab, NULL);
	ck_assert_int_eq(parts_start(&lab.control, NULL), 0);
	lab_run_ms(&lab, 50);
	lab_start_dataplane(&lab);
	ck_assert(lab_until(&lab, lab_is_up));
}
END_TEST

START_TEST(another_socket_may_be_given)
{
	char socket[96];

	lab_load(&lab, lab_edit("@DIR@/dataplane.sock", "/nonexistent/dataplane.sock"));
	lab_start_dataplane(&lab);
	snprintf(socket, sizeof(socket), "%s/dataplane.sock", lab.dir);
	ck_assert_int_eq(parts_start(&lab.control, socket), 0);
	ck_assert(lab_until(&lab, lab_is_up));
}
END_TEST

START_TEST(a_node_does_not_run_twice)
{
	static struct lab first;
	char socket[96];

	lab_start(&first, NULL);
	snprintf(socket, sizeof(socket), "{socket: %s/admin.sock", first.dir);
	lab_load(&lab, lab_edit("{socket: @DIR@/admin.sock", socket));
	ck_assert_int_lt(parts_start(&lab.control, NULL), 0);
	// The first one still answers.
	ck_assert(lab_until(&first, lab_is_up));
	json_decref(lab_command(&first, "status", NULL));
	lab_stop(&first);
}
END_TEST

START_TEST(metrics_that_cannot_be_had_stop_no_calls)
{
	lab_load(&lab, with("metrics: {listen: [\"unix:/nonexistent/metrics.sock\"]}\n"));
	lab_start_dataplane(&lab);
	ck_assert_int_eq(parts_start(&lab.control, NULL), 0);
	ck_assert_ptr_null(lab.control.metrics);
	ck_assert(lab_until(&lab, lab_is_up));
}
END_TEST

START_TEST(a_redis_that_is_not_there_stops_no_calls)
{
	lab_load(&lab, with("redis: {address: \"unix:/nonexistent/redis.sock\"}\n"));
	lab_start_dataplane(&lab);
	ck_assert_int_eq(parts_start(&lab.control, NULL), 0);
	ck_assert(lab_until(&lab, lab_is_up));
}
END_TEST

START_TEST(they_stop_in_the_middle_of_everything)
{
	lab_start(&lab, NULL);
	// A snapshot is being built, probes are on their way, somebody asks.
	lab_run_ms(&lab, _i);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("parts");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, nothing_waits_for_a_dataplane);
	tcase_add_test(tc, a_dataplane_that_comes_later_is_found);
	tcase_add_test(tc, another_socket_may_be_given);
	tcase_add_test(tc, a_node_does_not_run_twice);
	tcase_add_test(tc, metrics_that_cannot_be_had_stop_no_calls);
	tcase_add_test(tc, a_redis_that_is_not_there_stops_no_calls);
	tcase_add_loop_test(tc, they_stop_in_the_middle_of_everything, 1, 30);
	return suite_run(tc);
}

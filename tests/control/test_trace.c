// SPDX-License-Identifier: BSD-3-Clause
#include "control/trace.h"

#include "tests/control/lab.h"
#include "tests/control/suite.h"

#include <errno.h>
#include <string.h>

static struct lab lab;
static uint32_t nb_copies, nb_ends;
static char why_ended[64];
static uint64_t lost_at_end;
static uint32_t last_copied_len;
static bool is_slow;

static bool on_copy(void *arg, const struct ipc_trace_record *record)
{
	if (is_slow)
		return false;
	nb_copies++;
	last_copied_len = record->copied_len;
	return true;
}

static void on_end(void *arg, const char *why, uint64_t copies, uint64_t lost)
{
	nb_ends++;
	strncpy(why_ended, why, sizeof(why_ended) - 1);
	lost_at_end = lost;
}

static const struct trace_sink sink = {on_copy, on_end, &lab};

static bool has_ended(struct lab *l)
{
	return nb_ends > 0;
}

static void setup(void)
{
	lab_start(&lab, NULL);
	ck_assert(lab_until(&lab, lab_is_published));
}

static void teardown(void)
{
	trace_stop(&lab.control, "teardown");
	lab_stop(&lab);
}

static void start(uint32_t limit, uint64_t timeout_ms)
{
	struct ipc_trace filter = {.field = IPC_TRACE_CALL_ID, .limit = limit, .pattern_len = 4};

	memcpy(filter.pattern, "abc*", 4);
	ck_assert_int_eq(trace_start(&lab.control, &filter, timeout_ms, &sink), 0);
	lab_run_ms(&lab, 10);
}

static void push(uint32_t worker, uint32_t nb, uint16_t copied_len)
{
	for (uint32_t i = 0; i < nb; i++) {
		struct ipc_trace_record *record = fake_dataplane_trace(&lab.fake, worker);

		ck_assert_ptr_nonnull(record);
		memset(record, 0, sizeof(*record));
		record->copied_len = copied_len;
		fake_dataplane_trace_push(&lab.fake, worker);
	}
}

START_TEST(hands_the_filter_over_and_takes_it_back)
{
	start(100, 60000);
	ck_assert_uint_eq(lab.fake.trace.field, IPC_TRACE_CALL_ID);
	ck_assert_uint_eq(lab.fake.trace.limit, 100);
	ck_assert_mem_eq(lab.fake.trace.pattern, "abc*", 4);
	trace_stop(&lab.control, "stopped");
	lab_run_ms(&lab, 10);
	ck_assert_uint_eq(lab.fake.trace.field, IPC_TRACE_OFF);
	ck_assert_str_eq(why_ended, "stopped");
	ck_assert(!trace_is_running());
}
END_TEST

START_TEST(copies_of_all_workers_come)
{
	start(100, 60000);
	push(0, 3, 10);
	push(1, 4, 10);
	lab_run_ms(&lab, 30);
	ck_assert_uint_eq(nb_copies, 7);
}
END_TEST

START_TEST(ends_at_its_limit)
{
	start(5, 60000);
	push(0, 20, 10);
	ck_assert(lab_until(&lab, has_ended));
	ck_assert_uint_eq(nb_copies, 5);
	ck_assert_str_eq(why_ended, "limit");
}
END_TEST

START_TEST(ends_in_time)
{
	start(5, 50);
	ck_assert(lab_until(&lab, has_ended));
	ck_assert_str_eq(why_ended, "timeout");
}
END_TEST

START_TEST(ends_with_the_dataplane)
{
	start(5, 60000);
	fake_dataplane_hang_up(&lab.fake);
	ck_assert(lab_until(&lab, has_ended));
	ck_assert_str_eq(why_ended, "dataplane gone");
}
END_TEST

START_TEST(there_is_one_at_a_time)
{
	const struct ipc_trace filter = {.field = IPC_TRACE_SOURCE, .limit = 1};

	start(5, 60000);
	ck_assert_int_eq(trace_start(&lab.control, &filter, 1000, &sink), -EBUSY);
}
END_TEST

START_TEST(what_an_earlier_one_left_is_not_shown)
{
	push(0, 9, 10);
	start(100, 60000);
	lab_run_ms(&lab, 20);
	ck_assert_uint_eq(nb_copies, 0);
}
END_TEST

START_TEST(a_slow_reader_loses_copies_and_is_told)
{
	start(100, 60000);
	is_slow = true;
	push(0, 6, 10);
	fake_dataplane_counters(&lab.fake, 1)->traces_lost += 4;
	lab_run_ms(&lab, 30);
	trace_stop(&lab.control, "stopped");
	ck_assert_uint_eq(nb_copies, 0);
	ck_assert_uint_eq(lost_at_end, 10);
}
END_TEST

START_TEST(a_length_that_is_too_long_is_not_believed)
{
	start(100, 60000);
	push(0, 1, UINT16_MAX);
	lab_run_ms(&lab, 20);
	ck_assert_uint_eq(nb_copies, 1);
	ck_assert_uint_le(last_copied_len, sizeof(((struct ipc_trace_record *)NULL)->octets));
}
END_TEST

START_TEST(whoever_went_away_hears_nothing)
{
	start(100, 60000);
	trace_forget(&lab.control, &nb_ends);
	ck_assert(trace_is_running());
	trace_forget(&lab.control, &lab);
	ck_assert(!trace_is_running());
	ck_assert_uint_eq(nb_ends, 0);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("trace");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, hands_the_filter_over_and_takes_it_back);
	tcase_add_test(tc, copies_of_all_workers_come);
	tcase_add_test(tc, ends_at_its_limit);
	tcase_add_test(tc, ends_in_time);
	tcase_add_test(tc, ends_with_the_dataplane);
	tcase_add_test(tc, there_is_one_at_a_time);
	tcase_add_test(tc, what_an_earlier_one_left_is_not_shown);
	tcase_add_test(tc, a_slow_reader_loses_copies_and_is_told);
	tcase_add_test(tc, a_length_that_is_too_long_is_not_believed);
	tcase_add_test(tc, whoever_went_away_hears_nothing);
	return suite_run(tc);
}

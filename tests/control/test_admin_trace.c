// SPDX-License-Identifier: BSD-3-Clause
// What starts a trace, what does not, and what `errors show` is asked.
#include "control/admin_command.h"

#include "tests/control/admin_case.h"
#include "tests/control/suite.h"

static struct lab lab;

static void setup(void)
{
	lab_start(&lab, NULL);
	ck_assert(lab_until(&lab, lab_is_up));
}

static void teardown(void)
{
	lab_stop(&lab);
}

#define X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X128 X32 X32 X32 X32

static const struct admin_case cases[] = {
	{"trace start", NULL, ADMIN_USAGE, "exactly one of"},
	{"trace start", "{\"call_id\":\"a\",\"from\":\"b\"}", ADMIN_USAGE, "exactly one of"},
	{"trace start", "{\"call_id\":\"a\",\"source\":\"192.0.2.1\"}", ADMIN_USAGE,
		"exactly one of"},
	{"trace start", "{\"call_id\":7}", ADMIN_USAGE, "exactly one of"},
	{"trace start", "{\"call_id\":\"\"}", ADMIN_USAGE, "the pattern must have"},
	{"trace start", "{\"from\":\"" X128 X128 X128 X128 "\"}", ADMIN_USAGE,
		"the pattern must have"},
	{"trace start", "{\"source\":\"\"}", ADMIN_USAGE, "source: "},
	{"trace start", "{\"source\":\"192.0.2.1:5060\"}", ADMIN_USAGE, "source: "},
	{"trace start", "{\"source\":\"host.example\"}", ADMIN_USAGE, "source: "},
	{"trace start", "{\"call_id\":\"a\",\"limit\":0}", ADMIN_USAGE, "limit must be"},
	{"trace start", "{\"call_id\":\"a\",\"limit\":-1}", ADMIN_USAGE, "limit must be"},
	{"trace start", "{\"call_id\":\"a\",\"limit\":1e300}", ADMIN_USAGE, "limit must be"},
	{"trace start", "{\"call_id\":\"a\",\"limit\":-1e300}", ADMIN_USAGE, "limit must be"},
	{"trace start", "{\"call_id\":\"a\",\"timeout_s\":0}", ADMIN_USAGE, "limit must be"},
	{"trace start", "{\"call_id\":\"a\",\"timeout_s\":9223372036854775807}", ADMIN_USAGE,
		"limit must be"},
	{"trace start", "{\"call_id\":\"a\",\"more\":1}", ADMIN_USAGE, NULL},
	{"trace stop", NULL, ADMIN_REFUSED, "no trace runs"},
	{"errors show", NULL, 0, NULL},
	{"errors show", "{\"last\":1}", 0, NULL},
	{"errors show", "{\"last\":0}", 0, NULL},
	{"errors show", "{\"last\":-5}", ADMIN_USAGE, "last is out of range"},
};

START_TEST(a_request_is_done_or_refused)
{
	admin_case_check(&lab, &cases[_i]);
	ck_assert_uint_eq(lab.fake.nb_traces, 0);
}
END_TEST

START_TEST(a_trace_ends_with_the_connection_that_asked)
{
	const struct admin_case start = {
		"trace start", "{\"from\":\"alice*\",\"limit\":3,\"timeout_s\":2.0}", 0, NULL};
	const struct admin_case stop = {"trace stop", NULL, ADMIN_REFUSED, "no trace runs"};

	// The first line is the answer; with it lab_command() goes.
	admin_case_check(&lab, &start);
	lab_run_ms(&lab, 50);
	ck_assert_uint_ge(lab.fake.nb_traces, 2); // one to start, one to stop
	admin_case_check(&lab, &stop);
}
END_TEST

START_TEST(without_a_dataplane_nothing_is_traced)
{
	const struct admin_case start = {
		"trace start", "{\"call_id\":\"a\"}", ADMIN_REFUSED, "no dataplane to trace"};

	lab_stop_dataplane(&lab);
	lab_run_ms(&lab, 50);
	admin_case_check(&lab, &start);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("admin_trace");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_loop_test(tc, a_request_is_done_or_refused, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tc, a_trace_ends_with_the_connection_that_asked);
	tcase_add_test(tc, without_a_dataplane_nothing_is_traced);
	return suite_run(tc);
}

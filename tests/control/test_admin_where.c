// SPDX-License-Identifier: BSD-3-Clause
// What `where` is asked by the command line and by hand.
#include "control/admin_command.h"

#include "tests/control/admin_case.h"
#include "tests/control/suite.h"

#include <stdio.h>

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

// "cnViYmlzaA==" is "rubbish", "DQoNCg==" is two line ends, "AA==" one NUL.
static const struct admin_case cases[] = {
	{"where message", NULL, ADMIN_USAGE, NULL},
	{"where message", "{\"message\":7}", ADMIN_USAGE, NULL},
	{"where message", "{\"message\":\"?\"}", ADMIN_USAGE, NULL},
	{"where message", "{\"message\":\"cnViYmlza\"}", ADMIN_USAGE, NULL},
	{"where message", "{\"message\":\"cnVi=mlzaA==\"}", ADMIN_USAGE, NULL},
	{"where message", "{\"message\":\"cnViYmlzaA==\",\"source\":\"x\"}", ADMIN_USAGE,
		"source: "},
	{"where message", "{\"message\":\"cnViYmlzaA==\",\"source\":\"192.0.2.1:70000\"}",
		ADMIN_USAGE, "source: "},
	{"where message", "{\"message\":\"cnViYmlzaA==\",\"listener\":\"203.0.113.5\"}",
		ADMIN_USAGE, "listener: "},
	{"where message", "{\"message\":\"cnViYmlzaA==\",\"listener\":\"203.0.113.99:5060\"}",
		ADMIN_REFUSED, "there is no listener"},
	{"where message", "{\"message\":\"cnViYmlzaA==\",\"port\":\"nowhere\"}", ADMIN_REFUSED,
		"there is no port"},
	{"where message", "{\"message\":\"cnViYmlzaA==\"}", 0, NULL},
	{"where message", "{\"message\":\"DQoNCg==\"}", 0, NULL},
	{"where message", "{\"message\":\"AA==\"}", 0, NULL},
	{"where message",
		"{\"message\":\"cnViYmlzaA==\",\"source\":\"[2001:db8::1]:5060\","
		"\"listener\":\"203.0.113.6:5060\"}",
		0, NULL},
	{"where access call-id x", NULL, 0, NULL},
	{"where access call-id", NULL, ADMIN_USAGE, NULL},
	{"where access", NULL, ADMIN_USAGE, NULL},
	{"where nobody call-id x", NULL, ADMIN_REFUSED, NULL},
	{"where access to-tag x", NULL, ADMIN_USAGE, NULL},
};

START_TEST(a_question_is_answered_or_refused)
{
	admin_case_check(&lab, &cases[_i]);
	ck_assert(lab_is_up(&lab));
}
END_TEST

START_TEST(what_is_no_message_says_where_it_breaks)
{
	const struct admin_case rubbish = {
		"where message", "{\"message\":\"cnViYmlzaA==\"}", 0, NULL};
	json_t *answer = admin_case_ask(&lab, &rubbish);

	ck_assert(json_is_false(json_object_get(answer, "parsed")));
	ck_assert(json_is_string(json_object_get(answer, "reason")));
	ck_assert(json_is_integer(json_object_get(answer, "offset")));
	ck_assert(json_is_null(json_object_get(answer, "backend")));
	ck_assert(json_is_null(json_object_get(answer, "row")));
	json_decref(answer);
}
END_TEST

START_TEST(before_anything_is_published_there_is_no_answer)
{
	const struct admin_case by_id = {
		"where access call-id x", NULL, ADMIN_REFUSED, "no snapshot is published"};
	const struct admin_case message = {"where message", "{\"message\":\"AA==\"}", ADMIN_REFUSED,
		"no snapshot is published"};
	const struct snapshot *snapshot = lab.control.dataplane.snapshot;

	lab.control.dataplane.snapshot = NULL;
	admin_case_check(&lab, &by_id);
	admin_case_check(&lab, &message);
	lab.control.dataplane.snapshot = snapshot;
}
END_TEST

START_TEST(a_backend_that_is_out_is_not_chosen)
{
	const struct admin_case question = {"where access call-id hello", NULL, 0, NULL};
	json_t *answer = admin_case_ask(&lab, &question);
	char path[64];
	const char *chosen = json_string_value(json_object_get(answer, "chosen"));
	struct override maint = {.set = true, .state = CONFIG_STATE_MAINT, .by = "ana"};

	ck_assert_ptr_nonnull(chosen);
	snprintf(path, sizeof(path), "access/%s", chosen);
	control_backend_override(&lab.control, lab_backend(&lab, path), &maint, false);
	json_decref(answer);
	answer = admin_case_ask(&lab, &question);
	ck_assert_str_ne(json_string_value(json_object_get(answer, "chosen")), path + 7);
	json_decref(answer);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("admin_where");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_loop_test(
		tc, a_question_is_answered_or_refused, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tc, what_is_no_message_says_where_it_breaks);
	tcase_add_test(tc, before_anything_is_published_there_is_no_answer);
	tcase_add_test(tc, a_backend_that_is_out_is_not_chosen);
	return suite_run(tc);
}

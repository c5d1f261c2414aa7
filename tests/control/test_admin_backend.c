// SPDX-License-Identifier: BSD-3-Clause
// What an operator says of backends, well and badly.
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

static const struct admin_case cases[] = {
	{"backend list", NULL, 0, NULL},
	{"backend list access", NULL, 0, NULL},
	{"backend list nobody", NULL, ADMIN_REFUSED, "no service"},
	{"backend list access edge", NULL, ADMIN_USAGE, NULL},
	{"backend show access/b1", NULL, 0, NULL},
	{"backend show access", NULL, ADMIN_REFUSED, "no backend"},
	{"backend show access/", NULL, ADMIN_REFUSED, "no backend"},
	{"backend show /b1", NULL, ADMIN_REFUSED, "no backend"},
	{"backend show access/b1/x", NULL, ADMIN_REFUSED, "no backend"},
	{"backend show edge/b1", NULL, ADMIN_REFUSED, "no backend"},
	{"backend show", NULL, ADMIN_USAGE, NULL},
	{"backend set access/b1", NULL, ADMIN_USAGE, NULL},
	{"backend set access/b1 up", NULL, ADMIN_USAGE, "\"up\" is not"},
	{"backend set access/b1 DRAIN", NULL, ADMIN_USAGE, NULL},
	{"backend set access/b9 drain", NULL, ADMIN_REFUSED, "no backend"},
	{"backend set access/b1 drain", "{\"weight\":3}", ADMIN_USAGE, NULL},
	{"service list", NULL, 0, NULL},
	{"service list access", NULL, ADMIN_USAGE, NULL},
};

START_TEST(a_request_is_done_or_refused)
{
	admin_case_check(&lab, &cases[_i]);
	// Nothing of it changed anything.
	ck_assert(!lab_backend(&lab, "access/b1")->override.set);
	ck_assert_int_eq(lab_backend(&lab, "access/b1")->admin, CONFIG_STATE_READY);
}
END_TEST

static void set(const char *state, const char *options)
{
	char words[64];
	const struct admin_case c = {words, options, 0, NULL};

	snprintf(words, sizeof(words), "backend set access/b1 %s", state);
	admin_case_check(&lab, &c);
}

START_TEST(a_wish_stands_until_it_is_taken_back)
{
	const struct backend *b1 = lab_backend(&lab, "access/b1");
	uint64_t revision;

	set("drain", "{\"reason\":\"disk\",\"by\":\"ana\"}");
	ck_assert_int_eq(b1->admin, CONFIG_STATE_DRAIN);
	ck_assert(b1->override.set);
	ck_assert_str_eq(b1->override.reason, "disk");
	ck_assert_str_eq(b1->override.by, "ana");
	revision = b1->override.revision;
	set("maint", NULL);
	ck_assert_int_eq(b1->admin, CONFIG_STATE_MAINT);
	ck_assert_str_eq(b1->override.reason, "");
	// The configured value is no override.
	set("ready", NULL);
	ck_assert(!b1->override.set);
	// The newest word of all nodes counts: each is newer than the one before.
	ck_assert_uint_gt(b1->override.revision, revision + 1);
}
END_TEST

START_TEST(a_wish_reaches_the_dataplane_and_moves_its_share)
{
	const struct admin_case drain = {"backend set access/b1 drain", NULL, 0, NULL};
	json_t *answer = admin_case_ask(&lab, &drain);
	double moved = json_real_value(json_object_get(answer, "share_moved"));

	ck_assert_double_eq_tol(moved, 1.0 / 3, 0.02);
	ck_assert_str_eq(json_string_value(json_object_get(answer, "previous")), "ready");
	json_decref(answer);
	lab_run_ms(&lab, 50);
	ck_assert(!lab_fresh(&lab, "access/b1"));
	ck_assert(lab_pinned(&lab, "access/b1"));
}
END_TEST

START_TEST(a_reason_has_its_room_and_no_more)
{
	const size_t max = sizeof(((struct override *)NULL)->reason) - 1;
	char options[1024];

	snprintf(options, sizeof(options), "{\"reason\":\"%0*d\"}", (int)max, 7);
	set("drain", options);
	ck_assert_uint_eq(strlen(lab_backend(&lab, "access/b1")->override.reason), max);
	set("ready", NULL);
	snprintf(options, sizeof(options), "{\"reason\":\"%0*d\"}", (int)max + 1, 7);
	admin_case_check(&lab,
		&(struct admin_case){"backend set access/b1 drain", options, ADMIN_REFUSED,
			"the reason is longer"});
	ck_assert(!lab_backend(&lab, "access/b1")->override.set);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("admin_backend");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_loop_test(tc, a_request_is_done_or_refused, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tc, a_wish_stands_until_it_is_taken_back);
	tcase_add_test(tc, a_wish_reaches_the_dataplane_and_moves_its_share);
	tcase_add_test(tc, a_reason_has_its_room_and_no_more);
	return suite_run(tc);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "control/state_file.h"

#include "tests/control/lab.h"
#include "tests/control/suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct lab lab;
static char path[96];

static void setup(void)
{
	lab_start(&lab, NULL);
	snprintf(path, sizeof(path), "%s/state.json", lab.dir);
	ck_assert(lab_until(&lab, lab_is_up));
}

static void teardown(void)
{
	lab_stop(&lab);
}

static void set(const char *backend, enum config_admin_state state)
{
	struct override override = {.set = true,
		.state = state,
		.by = "ana",
		.reason = "disk \"swap\"",
		.when_ms = control_wall_ms(),
		.revision = 7};

	control_backend_override(&lab.control, lab_backend(&lab, backend), &override, false);
}

START_TEST(an_override_survives_a_restart)
{
	const struct override *override;

	set("access/b2", CONFIG_STATE_MAINT);
	lab_restart_control(&lab);
	override = &lab_backend(&lab, "access/b2")->override;
	ck_assert(override->set);
	ck_assert_int_eq(override->state, CONFIG_STATE_MAINT);
	ck_assert_str_eq(override->by, "ana");
	ck_assert_str_eq(override->reason, "disk \"swap\"");
	ck_assert_uint_eq(override->revision, 7);
	ck_assert_int_eq(lab_backend(&lab, "access/b2")->admin, CONFIG_STATE_MAINT);
	ck_assert(!lab_backend(&lab, "access/b1")->override.set);
}
END_TEST

START_TEST(a_changed_file_beats_an_old_override)
{
	set("access/b2", CONFIG_STATE_MAINT);
	lab_write(
		&lab, lab_edit("address: \"10.20.1.12\"", "address: \"10.20.1.12\", state: drain"));
	lab_restart_control(&lab);
	ck_assert(!lab_backend(&lab, "access/b2")->override.set);
	ck_assert_int_eq(lab_backend(&lab, "access/b2")->admin, CONFIG_STATE_DRAIN);
}
END_TEST

START_TEST(an_override_that_is_too_old_is_dropped)
{
	struct backend *b2 = lab_backend(&lab, "access/b2");

	set("access/b2", CONFIG_STATE_MAINT);
	b2->override.when_ms -= (int64_t)lab.control.boot->admin.state_max_age_ms + 1000;
	state_file_save(&lab.control);
	lab_restart_control(&lab);
	ck_assert(!lab_backend(&lab, "access/b2")->override.set);
}
END_TEST

static bool b2_is_down(struct lab *l)
{
	return lab_backend(l, "access/b2")->health.state == HEALTH_DOWN;
}

START_TEST(a_backend_that_was_down_is_not_used_by_the_next_process)
{
	fake_dataplane_answer(&lab.fake, &lab_backend(&lab, "access/b2")->addr, 0);
	ck_assert(lab_until(&lab, b2_is_down));
	lab_restart_control(&lab);
	ck_assert(lab_until(&lab, lab_is_published));
	ck_assert(b2_is_down(&lab));
	lab_run_ms(&lab, 10);
	ck_assert(!lab_fresh(&lab, "access/b2"));
	ck_assert(lab_fresh(&lab, "access/b1"));
}
END_TEST

START_TEST(another_dataplane_starts_without_prejudice)
{
	fake_dataplane_answer(&lab.fake, &lab_backend(&lab, "access/b2")->addr, 0);
	ck_assert(lab_until(&lab, b2_is_down));
	fake_dataplane_forget(&lab.fake);
	lab_restart_control(&lab);
	ck_assert_int_eq(lab_backend(&lab, "access/b2")->health.state, HEALTH_UNKNOWN);
}
END_TEST

START_TEST(is_readable_by_its_owner_only)
{
	struct stat st;

	set("access/b2", CONFIG_STATE_MAINT);
	lab_run_ms(&lab, 150);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

static const char *const damaged[] = {
	"",
	"{",
	"[]",
	"{\"schema\":2}",
	"{\"schema\":1}",
	"{\"schema\":1,\"backends\":7}",
	"{\"schema\":1,\"backends\":[7, null, {}, {\"backend\":7}]}",
	"{\"schema\":1,\"backends\":[{\"backend\":\"access/b2\",\"override\":7}]}",
	"{\"schema\":1,\"backends\":[{\"backend\":\"access/b2\",\"override\":{}}]}",
	"{\"schema\":1,\"backends\":[{\"backend\":\"access/b2\",\"override\":{\"state\":\"off\","
	"\"configured\":\"ready\",\"when_ms\":99999999999999}}]}",
	"{\"schema\":1,\"backends\":[{\"backend\":\"nobody/"
	"b2\",\"override\":{\"state\":\"maint\"}}]}",
};

START_TEST(a_damaged_file_is_ignored)
{
	FILE *file;

	// Written last at the end of the old process: replace it after that.
	lab_run_ms(&lab, 150);
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fputs(damaged[_i], file);
	fclose(file);
	state_file_load(&lab.control);
	state_file_restore_health(&lab.control);
	ck_assert(!lab_backend(&lab, "access/b2")->override.set);
	ck_assert(lab_is_up(&lab));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("state_file");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, an_override_survives_a_restart);
	tcase_add_test(tc, a_changed_file_beats_an_old_override);
	tcase_add_test(tc, an_override_that_is_too_old_is_dropped);
	tcase_add_test(tc, a_backend_that_was_down_is_not_used_by_the_next_process);
	tcase_add_test(tc, another_dataplane_starts_without_prejudice);
	tcase_add_test(tc, is_readable_by_its_owner_only);
	tcase_add_loop_test(
		tc, a_damaged_file_is_ignored, 0, (int)(sizeof(damaged) / sizeof(damaged[0])));
	return suite_run(tc);
}

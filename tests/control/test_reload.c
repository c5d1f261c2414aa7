// SPDX-License-Identifier: BSD-3-Clause
#include "control/reload.h"

#include "control/health.h"
#include "control/retired.h"
#include "tests/control/lab.h"
#include "tests/control/suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct lab lab;
static json_t *outcome;

static void setup(void)
{
	lab_start(&lab, NULL);
	ck_assert(lab_until(&lab, lab_is_up));
	outcome = NULL;
}

static void teardown(void)
{
	json_decref(outcome);
	lab_stop(&lab);
}

static void on_outcome(void *arg, json_t *answer)
{
	json_decref(outcome);
	outcome = answer;
}

static bool has_outcome(struct lab *l)
{
	return outcome != NULL;
}

static void reload(const char *yaml, bool dry_run)
{
	json_decref(outcome);
	outcome = NULL;
	lab_write(&lab, yaml);
	reload_start(&lab.control, dry_run, on_outcome, &lab);
	ck_assert(lab_until(&lab, has_outcome));
}

static bool has_change(const char *kind, const char *object, const char *detail)
{
	json_t *change;
	size_t i;

	json_array_foreach(json_object_get(outcome, "changes"), i, change)
	{
		if (strcmp(json_string_value(json_object_get(change, "kind")), kind) == 0 &&
			strcmp(json_string_value(json_object_get(change, "object")), object) == 0 &&
			strstr(json_string_value(json_object_get(change, "detail")), detail) !=
				NULL)
			return true;
	}
	return false;
}

static double share(const char *key)
{
	return json_number_value(
		json_object_get(json_array_get(json_object_get(outcome, "moves"), 0), key));
}

static const char b3_line[] = "      - {name: b3, address: \"10.20.1.13\"}\n";
static const char b4_lines[] = "      - {name: b3, address: \"10.20.1.13\"}\n"
			       "      - {name: b4, address: \"10.20.1.14\", weight: 200}\n";

START_TEST(adds_a_backend)
{
	const struct endpoint b4 = {{4, {10, 20, 1, 14}}, 5060};
	uint64_t generation = lab.control.dataplane.generation;

	fake_dataplane_answer(&lab.fake, &b4, 0);
	reload(lab_edit(b3_line, b4_lines), false);
	ck_assert(json_is_true(json_object_get(outcome, "ok")));
	ck_assert(has_change("add", "access/b4", "10.20.1.14:5060 weight 200"));
	ck_assert_uint_gt(lab.control.dataplane.generation, generation);
	ck_assert_uint_eq(lab.fake.snapshot->backends.nb, 5);
	ck_assert_double_eq_tol(share("share"), 0.4, 0.02);
	// It is not used before its first good probe.
	ck_assert(!lab_fresh(&lab, "access/b4"));
	fake_dataplane_answer(&lab.fake, &b4, 200);
	ck_assert(lab_until(&lab, lab_is_up));
	ck_assert_uint_eq(lab.control.last_reload.nb_success, 1);
}
END_TEST

START_TEST(what_stays_keeps_its_health_and_counters)
{
	struct backend *b1 = lab_backend(&lab, "access/b1");
	uint16_t counter = b1->counter;
	int64_t since;

	// A probe that this machine is too slow for would change it, too.
	health_destroy(lab.control.health);
	lab.control.health = NULL;
	since = b1->health.since_ms;
	ck_assert_int_eq(b1->health.state, HEALTH_UP);
	reload(lab_edit(b3_line, ""), false);
	ck_assert(has_change("remove", "access/b3", "10.20.1.13"));
	ck_assert_ptr_eq(lab_backend(&lab, "access/b1"), b1);
	ck_assert_uint_eq(b1->counter, counter);
	ck_assert_int_eq(b1->health.state, HEALTH_UP);
	ck_assert_int_eq(b1->health.since_ms, since);
	ck_assert_ptr_null(control_find_backend(&lab.control, "access/b3"));
}
END_TEST

START_TEST(a_backend_that_left_keeps_its_dialogs)
{
	uint32_t id = lab_backend(&lab, "access/b3")->id;
	uint64_t hash;
	uint16_t index;

	reload(lab_edit(b3_line, ""), false);
	index = snapshot_find_backend_id(lab.fake.snapshot, id);
	ck_assert_uint_ne(index, SNAPSHOT_NONE);
	ck_assert_uint_eq(snapshot_backend(lab.fake.snapshot, index)->weight, 0);
	ck_assert(!backend_bit(lab.fake.bits.fresh, index));
	ck_assert(backend_bit(lab.fake.bits.pinned, index));
	// The table is that of a node which never had it.
	hash = lab.control.services[0]->table_hash;
	ck_assert_uint_eq(retired_sweep(&lab.control, control_now_ms()), 0);
	ck_assert_uint_eq(retired_sweep(&lab.control, control_now_ms() + RETIRED_IDLE_MS), 1);
	reload(lab_edit(b3_line, ""), false);
	ck_assert_uint_eq(snapshot_find_backend_id(lab.fake.snapshot, id), SNAPSHOT_NONE);
	ck_assert_uint_eq(lab.control.services[0]->table_hash, hash);
}
END_TEST

START_TEST(one_that_left_and_is_in_use_stays)
{
	uint32_t id = lab_backend(&lab, "access/b3")->id;
	uint16_t counter = lab_backend(&lab, "access/b3")->counter;

	reload(lab_edit(b3_line, ""), false);
	fake_dataplane_counters(&lab.fake, 0)->backends[counter].requests += 7;
	ck_assert_uint_eq(retired_sweep(&lab.control, control_now_ms() + RETIRED_IDLE_MS), 0);
	// Also across a restart of this process.
	lab_restart_control(&lab);
	ck_assert(lab_until(&lab, lab_is_up));
	ck_assert_uint_ne(snapshot_find_backend_id(lab.fake.snapshot, id), SNAPSHOT_NONE);
	ck_assert_uint_eq(lab.control.services[0]->nb_retired, 1);
	// Back in the file it is a backend like any other, with its old counters.
	reload(lab_default, false);
	ck_assert_uint_eq(lab.control.services[0]->nb_retired, 0);
	ck_assert_uint_eq(lab_backend(&lab, "access/b3")->counter, counter);
	ck_assert(lab_until(&lab, lab_is_up));
}
END_TEST

START_TEST(one_that_left_from_maint_is_gone)
{
	struct override maint = {.set = true, .state = CONFIG_STATE_MAINT, .by = "ana"};
	uint32_t id = lab_backend(&lab, "access/b3")->id;

	control_backend_override(&lab.control, lab_backend(&lab, "access/b3"), &maint, false);
	reload(lab_edit(b3_line, ""), false);
	ck_assert_uint_eq(snapshot_find_backend_id(lab.fake.snapshot, id), SNAPSHOT_NONE);
}
END_TEST

START_TEST(another_address_is_another_machine)
{
	const struct endpoint other = {{4, {10, 20, 1, 99}}, 5060};

	fake_dataplane_answer(&lab.fake, &other, 0);
	reload(lab_edit("10.20.1.13", "10.20.1.99"), false);
	ck_assert(has_change("change", "access/b3", "10.20.1.99"));
	ck_assert(!health_is_usable(lab_backend(&lab, "access/b3")->health.state));
	fake_dataplane_answer(&lab.fake, &other, 200);
	ck_assert(lab_until(&lab, lab_is_up));
}
END_TEST

START_TEST(a_dry_run_changes_nothing)
{
	uint64_t generation = lab.control.dataplane.generation;
	uint64_t digest = lab.control.config->digest;

	reload(lab_edit(b3_line, b4_lines), true);
	ck_assert(json_is_true(json_object_get(outcome, "dry_run")));
	ck_assert(has_change("add", "access/b4", ""));
	ck_assert_double_eq_tol(share("share"), 0.4, 0.02);
	ck_assert_double_eq_tol(share("ideal"), 0.4, 0.02);
	ck_assert_uint_eq(lab.control.dataplane.generation, generation);
	ck_assert_uint_eq(lab.control.config->digest, digest);
	ck_assert_ptr_null(control_find_backend(&lab.control, "access/b4"));
}
END_TEST

START_TEST(a_dry_run_lets_the_loop_turn)
{
	json_decref(outcome);
	outcome = NULL;
	lab_write(&lab, lab_edit(b3_line, b4_lines));
	reload_start(&lab.control, true, on_outcome, &lab);
	ck_assert_ptr_null(outcome);
	// What is published may change meanwhile.
	reload_start(&lab.control, false, NULL, NULL);
	ck_assert(lab_until(&lab, has_outcome));
	ck_assert(json_is_true(json_object_get(outcome, "ok")));
	ck_assert(json_is_null(json_object_get(outcome, "published")));
}
END_TEST

static bool is_link_down(struct lab *l)
{
	return l->control.dataplane.link != LINK_RUNNING;
}

START_TEST(without_a_dataplane_it_is_accepted_and_waits)
{
	lab_stop_dataplane(&lab);
	ck_assert(lab_until(&lab, is_link_down));
	reload(lab_edit(b3_line, b4_lines), false);
	ck_assert(json_is_true(json_object_get(outcome, "ok")));
	ck_assert(json_is_false(json_object_get(outcome, "published")));
	ck_assert(has_change("add", "access/b4", ""));
	ck_assert_uint_eq(json_array_size(json_object_get(outcome, "moves")), 0);
	ck_assert_uint_eq(lab.control.last_reload.nb_success, 1);
	ck_assert_ptr_nonnull(control_find_backend(&lab.control, "access/b4"));
	// It is applied when one comes.
	lab_start_dataplane(&lab);
	ck_assert(lab_until(&lab, lab_is_up));
	ck_assert_uint_eq(lab.fake.snapshot->backends.nb, 5);
	reload(lab_default, false);
	ck_assert(json_is_true(json_object_get(outcome, "published")));
}
END_TEST

START_TEST(a_dataplane_that_goes_meanwhile_is_waited_for)
{
	lab.fake.mute_snapshots = true;
	json_decref(outcome);
	outcome = NULL;
	lab_write(&lab, lab_edit(b3_line, b4_lines));
	reload_start(&lab.control, false, on_outcome, &lab);
	lab_run_ms(&lab, 100);
	ck_assert_ptr_null(outcome);
	lab_stop_dataplane(&lab);
	ck_assert(lab_until(&lab, has_outcome));
	ck_assert(json_is_true(json_object_get(outcome, "ok")));
	ck_assert(json_is_false(json_object_get(outcome, "published")));
}
END_TEST

static int notify_fd;
static char heard[1024];

static bool hears_ready(struct lab *l)
{
	size_t len = strlen(heard);
	ssize_t part = recv(notify_fd, heard + len, sizeof(heard) - len - 1, MSG_DONTWAIT);

	if (part > 0)
		memcpy(heard + len + part, "|", 2);
	return strstr(heard, "READY=1|") != NULL;
}

START_TEST(the_service_manager_hears_of_it_from_begin_to_end)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/notify", lab.dir);
	notify_fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	ck_assert_int_eq(bind(notify_fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	setenv("NOTIFY_SOCKET", addr.sun_path, 1);
	// Not before it has heard READY=1 a first time.
	reload(lab_edit(b3_line, b4_lines), false);
	ck_assert(!hears_ready(&lab));
	ck_assert_str_eq(heard, "");
	lab.control.said_ready = true;
	lab.fake.mute_snapshots = true;
	lab_write(&lab, lab_default);
	reload_start(&lab.control, false, NULL, NULL);
	lab_run_ms(&lab, 100);
	ck_assert(!hears_ready(&lab));
	ck_assert_mem_eq(heard, "RELOADING=1\nMONOTONIC_USEC=", 27);
	lab_stop_dataplane(&lab);
	ck_assert(lab_until(&lab, hears_ready));
	unsetenv("NOTIFY_SOCKET");
	close(notify_fd);
	unlink(addr.sun_path);
}
END_TEST

START_TEST(a_broken_file_leaves_everything_as_it_was)
{
	uint64_t generation = lab.control.dataplane.generation;
	json_t *errors, *error;

	reload(lab_edit("interval: 50ms", "interval: 50"), false);
	ck_assert(json_is_false(json_object_get(outcome, "ok")));
	ck_assert_int_eq(json_integer_value(json_object_get(outcome, "exit")), 1);
	errors = json_object_get(outcome, "errors");
	ck_assert_uint_eq(json_array_size(errors), 1);
	error = json_array_get(errors, 0);
	ck_assert_str_eq(json_string_value(json_object_get(error, "path")),
		"defaults.health_check.interval");
	ck_assert_int_gt(json_integer_value(json_object_get(error, "line")), 1);
	ck_assert_uint_eq(lab.control.dataplane.generation, generation);
	ck_assert(!lab.control.last_reload.success);
	ck_assert_uint_eq(lab.control.last_reload.nb_failure, 1);
	ck_assert(lab_is_up(&lab));
}
END_TEST

START_TEST(an_override_survives)
{
	struct override maint = {.set = true, .state = CONFIG_STATE_MAINT, .by = "ana"};

	control_backend_override(&lab.control, lab_backend(&lab, "access/b1"), &maint, false);
	reload(lab_edit(b3_line, b4_lines), false);
	ck_assert(has_change("keep", "access/b1", "maint, set by ana"));
	ck_assert_int_eq(lab_backend(&lab, "access/b1")->admin, CONFIG_STATE_MAINT);
	ck_assert(!lab_pinned(&lab, "access/b1"));
}
END_TEST

START_TEST(an_override_falls_when_its_configured_value_changes)
{
	struct override maint = {.set = true, .state = CONFIG_STATE_MAINT, .by = "ana"};

	control_backend_override(&lab.control, lab_backend(&lab, "access/b1"), &maint, false);
	reload(lab_edit("address: \"10.20.1.11\"", "address: \"10.20.1.11\", state: drain"), false);
	ck_assert(has_change("change", "access/b1", "override dropped"));
	ck_assert_int_eq(lab_backend(&lab, "access/b1")->admin, CONFIG_STATE_DRAIN);
	ck_assert(!lab_backend(&lab, "access/b1")->override.set);
}
END_TEST

START_TEST(restart_only_keys_are_reported_and_not_applied)
{
	json_t *keys;

	reload(lab_edit("workers: \"1\"", "workers: \"1-2\""), false);
	keys = json_object_get(outcome, "needs_restart");
	ck_assert_uint_eq(json_array_size(keys), 1);
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(keys, 0), "key")),
		"dataplane.workers");
	ck_assert_uint_eq(lab.control.nb_needs_restart, 1);
	ck_assert_uint_eq(lab.fake.nb_starts, 1);
	// Back again: nothing is left to restart for.
	reload(lab_default, false);
	ck_assert_uint_eq(lab.control.nb_needs_restart, 0);
}
END_TEST

START_TEST(a_service_may_come_and_go)
{
	const char *more = "  - name: third\n"
			   "    listen:\n"
			   "      - {address: \"203.0.113.7\", port: 5060}\n"
			   "    backends:\n"
			   "      - {name: t1, address: \"10.20.1.31\"}\n"
			   "cluster_keys:\n";

	reload(lab_edit("cluster_keys:\n", more), false);
	ck_assert(has_change("add", "third", "1 backends"));
	ck_assert(lab_until(&lab, lab_is_up));
	ck_assert_uint_eq(lab.fake.snapshot->services.nb, 3);
	reload(lab_default, false);
	ck_assert(has_change("remove", "third", ""));
	ck_assert_uint_eq(lab.fake.snapshot->services.nb, 2);
	ck_assert(lab_is_up(&lab));
}
END_TEST

START_TEST(many_in_a_row)
{
	for (int i = 0; i < 20; i++) {
		reload(i % 2 == 0 ? lab_edit(b3_line, b4_lines) : lab_default, false);
		ck_assert(json_is_true(json_object_get(outcome, "ok")));
	}
	ck_assert_uint_eq(lab.control.last_reload.nb_success, 20);
}
END_TEST

START_TEST(two_at_once_both_end)
{
	lab_write(&lab, lab_edit(b3_line, b4_lines));
	reload_start(&lab.control, false, NULL, NULL);
	reload_start(&lab.control, false, on_outcome, &lab);
	ck_assert(lab_until(&lab, has_outcome));
	ck_assert_uint_eq(lab.control.last_reload.nb_success, 2);
}
END_TEST

static bool is_recorded(struct lab *l)
{
	return l->control.last_reload.nb_success == 1;
}

START_TEST(whoever_went_away_is_not_called)
{
	lab_write(&lab, lab_edit(b3_line, b4_lines));
	reload_start(&lab.control, false, on_outcome, &lab);
	reload_cancel(&lab.control, &lab);
	ck_assert(lab_until(&lab, is_recorded));
	lab_run_ms(&lab, 20);
	ck_assert_ptr_null(outcome);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("reload");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, adds_a_backend);
	tcase_add_test(tc, what_stays_keeps_its_health_and_counters);
	tcase_add_test(tc, a_backend_that_left_keeps_its_dialogs);
	tcase_add_test(tc, one_that_left_and_is_in_use_stays);
	tcase_add_test(tc, one_that_left_from_maint_is_gone);
	tcase_add_test(tc, another_address_is_another_machine);
	tcase_add_test(tc, a_dry_run_changes_nothing);
	tcase_add_test(tc, a_dry_run_lets_the_loop_turn);
	tcase_add_test(tc, without_a_dataplane_it_is_accepted_and_waits);
	tcase_add_test(tc, a_dataplane_that_goes_meanwhile_is_waited_for);
	tcase_add_test(tc, the_service_manager_hears_of_it_from_begin_to_end);
	tcase_add_test(tc, a_broken_file_leaves_everything_as_it_was);
	tcase_add_test(tc, an_override_survives);
	tcase_add_test(tc, an_override_falls_when_its_configured_value_changes);
	tcase_add_test(tc, restart_only_keys_are_reported_and_not_applied);
	tcase_add_test(tc, a_service_may_come_and_go);
	tcase_add_test(tc, many_in_a_row);
	tcase_add_test(tc, two_at_once_both_end);
	tcase_add_test(tc, whoever_went_away_is_not_called);
	return suite_run(tc);
}

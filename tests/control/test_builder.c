// SPDX-License-Identifier: BSD-3-Clause
#include "control/builder.h"

#include "tests/control/lab.h"
#include "tests/control/suite.h"

#include <errno.h>
#include <event2/event.h>

#define JOBS_MAX 32

static struct lab lab;
static struct builder *builder;

static struct outcome {
	unsigned int turn; // when it came, from 1
	int rc;
	struct snapshot *snapshot;
} outcomes[JOBS_MAX];
static unsigned int nb_outcomes;

static void setup(void)
{
	lab_load(&lab, NULL);
	builder = builder_create(lab.control.base);
	ck_assert_ptr_nonnull(builder);
}

static void teardown(void)
{
	builder_destroy(builder);
	for (unsigned int i = 0; i < JOBS_MAX; i++)
		free(outcomes[i].snapshot);
	lab_stop(&lab);
}

static void on_built(void *arg, int rc, struct snapshot *snapshot)
{
	struct outcome *outcome = arg;

	ck_assert_uint_eq(outcome->turn, 0);
	*outcome = (struct outcome){++nb_outcomes, rc, snapshot};
}

static struct snapshot_parts make(uint64_t generation)
{
	const struct snapshot_env env = {.generation = generation};
	struct snapshot_parts parts;

	ck_assert_int_eq(snapshot_parts_make(lab.control.config, &env, &parts), 0);
	return parts;
}

static int add(unsigned int i)
{
	struct snapshot_parts parts = make(i + 1);
	int rc = builder_add(builder, &parts, on_built, &outcomes[i]);

	if (rc < 0)
		snapshot_parts_fini(&parts);
	return rc;
}

static bool is_all_built(struct lab *l)
{
	return nb_outcomes == 3;
}

START_TEST(what_it_builds_is_what_building_at_once_gives)
{
	struct snapshot_parts parts = make(1);
	struct snapshot *expected = NULL;

	nb_outcomes = 2;
	ck_assert_int_eq(snapshot_parts_build(&parts, &expected), 0);
	snapshot_parts_fini(&parts);
	ck_assert_int_eq(add(0), 0);
	ck_assert(lab_until(&lab, is_all_built));
	ck_assert_int_eq(outcomes[0].rc, 0);
	ck_assert_uint_eq(outcomes[0].snapshot->size, expected->size);
	ck_assert_mem_eq(outcomes[0].snapshot, expected, expected->size);
	free(expected);
}
END_TEST

START_TEST(nobody_is_called_before_the_loop_turns)
{
	ck_assert_int_eq(add(0), 0);
	ck_assert_int_eq(add(1), 0);
	ck_assert_int_eq(add(2), 0);
	ck_assert_uint_eq(nb_outcomes, 0);
	ck_assert(lab_until(&lab, is_all_built));
}
END_TEST

START_TEST(each_is_built_in_its_turn)
{
	for (unsigned int i = 0; i < 3; i++)
		ck_assert_int_eq(add(i), 0);
	ck_assert(lab_until(&lab, is_all_built));
	for (unsigned int i = 0; i < 3; i++) {
		ck_assert_uint_eq(outcomes[i].turn, i + 1);
		ck_assert_uint_eq(outcomes[i].snapshot->generation, i + 1);
	}
}
END_TEST

START_TEST(a_failure_says_why_and_the_next_is_built)
{
	struct snapshot_parts parts = make(1);

	// Two backends of one id.
	((struct snapshot_backend *)(uintptr_t)parts.input.backends)[1] = parts.input.backends[0];
	nb_outcomes = 1;
	ck_assert_int_eq(builder_add(builder, &parts, on_built, &outcomes[0]), 0);
	ck_assert_int_eq(add(1), 0);
	ck_assert(lab_until(&lab, is_all_built));
	ck_assert_int_lt(outcomes[0].rc, 0);
	ck_assert_ptr_null(outcomes[0].snapshot);
	ck_assert_int_eq(outcomes[1].rc, 0);
}
END_TEST

START_TEST(too_many_at_a_time_are_refused)
{
	unsigned int nb = 0;

	while (nb < JOBS_MAX && add(nb) == 0)
		nb++;
	ck_assert_uint_eq(nb, 16);
	ck_assert_int_eq(add(nb), -ENOSPC);
	nb_outcomes = 3u - nb; // wraps to 3 with the last of them
	ck_assert(lab_until(&lab, is_all_built));
	nb_outcomes = 2;
	ck_assert_int_eq(add(nb), 0);
	ck_assert(lab_until(&lab, is_all_built));
}
END_TEST

START_TEST(one_that_is_destroyed_calls_nobody)
{
	for (unsigned int i = 0; i < 3; i++)
		ck_assert_int_eq(add(i), 0);
	builder_destroy(builder);
	builder = NULL;
	lab_run_ms(&lab, 20);
	ck_assert_uint_eq(nb_outcomes, 0);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("builder");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, what_it_builds_is_what_building_at_once_gives);
	tcase_add_test(tc, nobody_is_called_before_the_loop_turns);
	tcase_add_test(tc, each_is_built_in_its_turn);
	tcase_add_test(tc, a_failure_says_why_and_the_next_is_built);
	tcase_add_test(tc, too_many_at_a_time_are_refused);
	tcase_add_test(tc, one_that_is_destroyed_calls_nobody);
	return suite_run(tc);
}

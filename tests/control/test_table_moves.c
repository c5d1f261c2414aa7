// SPDX-License-Identifier: BSD-3-Clause
#include "control/table_moves.h"

#include "control/snapshot_make.h"
#include "tests/control/lab.h"
#include "tests/control/suite.h"

static struct snapshot *from, *to;

static struct snapshot *build(const char *yaml)
{
	const struct snapshot_env env = {0};
	struct snapshot_parts parts;
	struct snapshot *snapshot = NULL;
	struct lab lab;

	lab_load(&lab, yaml);
	ck_assert_int_eq(snapshot_parts_make(lab.control.config, &env, &parts), 0);
	ck_assert_int_eq(snapshot_parts_build(&parts, &snapshot), 0);
	snapshot_parts_fini(&parts);
	lab_stop(&lab);
	return snapshot;
}

static void setup(void)
{
	from = build(NULL);
	to = NULL;
}

static void teardown(void)
{
	free(from);
	free(to);
}

static const char b3_line[] = "      - {name: b3, address: \"10.20.1.13\"}\n";

// What stands for b3, and the share that moves: what must, but when a backend goes and another
// comes.
static const struct {
	const char *lines;
	double share, ideal;
} changes[] = {
	{"", 1.0 / 3, 1.0 / 3},
	{"      - {name: b3, address: \"10.20.1.13\"}\n"
	 "      - {name: b4, address: \"10.20.1.14\"}\n",
		1.0 / 4, 1.0 / 4},
	// Another name is another backend: it takes its share of all, not just what b3 had.
	{"      - {name: b9, address: \"10.20.1.13\"}\n", 1.0 / 2, 1.0 / 3},
	{"      - {name: b3, address: \"10.20.1.13\", weight: 200}\n", 0.5 - 1.0 / 3,
		0.5 - 1.0 / 3},
	// Another address under the same name is the same place in the table.
	{"      - {name: b3, address: \"10.20.1.99\"}\n", 0, 0},
};

START_TEST(a_change_moves_its_share)
{
	struct table_moves moves;

	to = build(lab_edit(b3_line, changes[_i].lines));
	ck_assert(table_moves(from, to, "access", &moves));
	ck_assert_double_eq_tol(moves.share, changes[_i].share, 0.01);
	ck_assert_double_eq_tol(moves.ideal, changes[_i].ideal, 1e-6);
	ck_assert(table_moves(from, to, "edge", &moves));
	ck_assert_double_eq(moves.share, 0);
}
END_TEST

START_TEST(a_service_that_one_does_not_have_is_not_compared)
{
	struct table_moves moves;

	to = build(lab_edit("name: edge", "name: other"));
	ck_assert(!table_moves(from, to, "edge", &moves));
	ck_assert(!table_moves(from, to, "other", &moves));
	ck_assert(!table_moves(from, to, "", &moves));
	ck_assert_uint_eq(table_find_service(to, "edge"), SNAPSHOT_NONE);
	ck_assert_uint_ne(table_find_service(to, "other"), SNAPSHOT_NONE);
}
END_TEST

START_TEST(shares_follow_the_weights)
{
	double shares[3];

	to = build(lab_edit(b3_line, changes[3].lines));
	table_shares(to, table_find_service(to, "access"), shares);
	ck_assert_double_eq_tol(shares[0], 0.25, 0.01);
	ck_assert_double_eq_tol(shares[1], 0.25, 0.01);
	ck_assert_double_eq_tol(shares[2], 0.5, 0.01);
	ck_assert_double_eq_tol(shares[0] + shares[1] + shares[2], 1, 1e-9);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("table_moves");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_loop_test(tc, a_change_moves_its_share, 0, sizeof(changes) / sizeof(changes[0]));
	tcase_add_test(tc, a_service_that_one_does_not_have_is_not_compared);
	tcase_add_test(tc, shares_follow_the_weights);
	return suite_run(tc);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "control/cluster_quorum.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES 10
#define PATHS 1000

static const char *const names[NODES] = {
	"fra-1", "fra-2", "fra-3", "ams-1", "ams-2", "ams-3", "lon-1", "lon-2", "lon-3", "par-1"};

static const char *path(unsigned int i)
{
	static char text[32];

	snprintf(text, sizeof(text), "access/kam%u", i);
	return text;
}

START_TEST(few_nodes_all_probe)
{
	for (uint32_t nb = 1; nb <= QUORUM_PROBERS; nb++)
		for (uint32_t who = 0; who < nb; who++)
			ck_assert(quorum_is_prober("access/kam1", names, nb, who));
	ck_assert(!quorum_is_prober("access/kam1", names, 1, 1));
}
END_TEST

START_TEST(every_backend_has_three_probers_spread_evenly)
{
	unsigned int share[NODES] = {0};

	for (unsigned int p = 0; p < PATHS; p++) {
		unsigned int nb = 0;

		for (uint32_t i = 0; i < NODES; i++)
			if (quorum_is_prober(path(p), names, NODES, i)) {
				nb++;
				share[i]++;
			}
		ck_assert_uint_eq(nb, QUORUM_PROBERS);
	}
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert(share[i] > 240 && share[i] < 360); // 300 is even
}
END_TEST

START_TEST(the_order_of_the_nodes_does_not_matter)
{
	const char *turned[NODES];

	for (uint32_t i = 0; i < NODES; i++)
		turned[i] = names[NODES - 1 - i];
	for (unsigned int p = 0; p < PATHS; p++)
		for (uint32_t i = 0; i < NODES; i++)
			ck_assert(quorum_is_prober(path(p), names, NODES, i) ==
				quorum_is_prober(path(p), turned, NODES, NODES - 1 - i));
}
END_TEST

START_TEST(a_node_that_dies_hands_over_only_its_share)
{
	// Without the last node, nobody stops probing what he probed.
	for (unsigned int p = 0; p < PATHS; p++)
		for (uint32_t i = 0; i < NODES - 1; i++)
			if (quorum_is_prober(path(p), names, NODES, i))
				ck_assert(quorum_is_prober(path(p), names, NODES - 1, i));
}
END_TEST

static const struct {
	const char *views; // one letter a prober: u f: usable, d r: not, ?: unknown
	enum cluster_verdict before, verdict;
} votes[] = {
	{"u", VERDICT_NONE, VERDICT_UP},
	{"d", VERDICT_UP, VERDICT_DOWN},
	{"?", VERDICT_UP, VERDICT_UP},
	{"?", VERDICT_NONE, VERDICT_NONE},
	{"ud", VERDICT_UP, VERDICT_UP},
	{"ud", VERDICT_DOWN, VERDICT_DOWN},
	{"ud", VERDICT_NONE, VERDICT_NONE},
	{"uud", VERDICT_DOWN, VERDICT_UP},
	{"udd", VERDICT_UP, VERDICT_DOWN},
	{"d??", VERDICT_UP, VERDICT_UP}, // one of three is no quorum
	{"dd?", VERDICT_UP, VERDICT_DOWN},
	{"ufd", VERDICT_NONE, VERDICT_UP},
	{"rrd", VERDICT_UP, VERDICT_DOWN},
	{"", VERDICT_UP, VERDICT_UP},
};

START_TEST(more_than_half_decide)
{
	static const char letters[] = "?druf";
	enum health_state views[QUORUM_PROBERS];
	uint32_t nb = (uint32_t)strlen(votes[_i].views);

	for (uint32_t i = 0; i < nb; i++)
		views[i] = (enum health_state)(strchr(letters, votes[_i].views[i]) - letters);
	ck_assert_int_eq(quorum_verdict(views, nb, votes[_i].before), votes[_i].verdict);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cluster_quorum");
	TCase *tcase = tcase_create("quorum");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, few_nodes_all_probe);
	tcase_add_test(tcase, every_backend_has_three_probers_spread_evenly);
	tcase_add_test(tcase, the_order_of_the_nodes_does_not_matter);
	tcase_add_test(tcase, a_node_that_dies_hands_over_only_its_share);
	tcase_add_loop_test(tcase, more_than_half_decide, 0, sizeof(votes) / sizeof(votes[0]));
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

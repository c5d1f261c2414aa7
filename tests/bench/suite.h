// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_BENCH_SUITE_H
#define TESTS_BENCH_SUITE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/steps.h"

// Run a case of what single-steps. Returns main()'s exit code; 77: it cannot be done here.
static inline int run_stepped(const char *name, TCase *tc)
{
	Suite *s = suite_create(name);
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	if (!steps_available()) {
		puts("instructions cannot be counted here");
		srunner_free(sr);
		return 77;
	}
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif

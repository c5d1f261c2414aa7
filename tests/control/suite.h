// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_CONTROL_SUITE_H
#define TESTS_CONTROL_SUITE_H

#include <check.h>
#include <stdlib.h>

// Run one test case as a program of its own.
static inline int suite_run(TCase *tc)
{
	Suite *s = suite_create("control");
	SRunner *sr;
	int failed;

	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif

// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_DISPATCH_SUITE_H
#define TESTS_DISPATCH_SUITE_H

#include <check.h>
#include <stdlib.h>

// Run one suite of one test case.
static inline int run_suite(const char *name, TCase *tc)
{
	Suite *s = suite_create(name);
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif

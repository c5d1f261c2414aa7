// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_DISPATCH_SUITE_H
#define TESTS_DISPATCH_SUITE_H

#include <check.h>
#include <stdlib.h>

// For long loops: ck_assert() writes a line to the parent for every single one that holds.
#define assert_each(condition)                                                     \
	do {                                                                       \
		if (!(condition))                                                  \
			ck_abort_msg("does not hold for one of all: " #condition); \
	} while (0)

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

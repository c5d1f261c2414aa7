// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_DISPATCH_SUITE_H
#define TESTS_DISPATCH_SUITE_H

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/dispatch/kernel.h"

// For long loops: ck_assert() writes a line to the parent for every single one that holds.
#define assert_each(condition)                                                     \
	do {                                                                       \
		if (!(condition))                                                  \
			ck_abort_msg("does not hold for one of all: " #condition); \
	} while (0)

// Can code be run that was compiled for the dispatch kernel of this name?
static inline bool kernel_runs_here(const char *name)
{
	const char *kernel;

	for (unsigned int k = 0; (kernel = dispatch_kernel_at(k)) != NULL; k++)
		if (strcmp(kernel, name) == 0)
			return true;
	return false;
}

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

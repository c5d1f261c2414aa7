// SPDX-License-Identifier: BSD-3-Clause
#include "control/registrations_names.h"

#include "tests/control/suite.h"

#include <stdio.h>
#include <string.h>

static struct names names = {.key = "0123456789abcde"};

static void teardown(void)
{
	names_fini(&names);
}

START_TEST(equal_names_are_one_pointer)
{
	char copy[] = "access/kam1";
	const struct name *one = names_intern(&names, STRV("access/kam1"));

	ck_assert_ptr_eq(names_intern(&names, strv_from(copy)), one);
	ck_assert_str_eq(one->text, "access/kam1");
	ck_assert_uint_eq(one->len, 11);
	copy[0] = 'x';
	ck_assert_str_eq(one->text, "access/kam1");
	ck_assert_uint_eq(names.nb, 1);
}
END_TEST

START_TEST(others_are_told_apart_to_the_last_octet)
{
	const struct name *one = names_intern(&names, STRV("a"));

	ck_assert_ptr_ne(names_intern(&names, STRV("a ")), one);
	ck_assert_ptr_ne(names_intern(&names, STRV("A")), one);
	ck_assert_ptr_ne(names_intern(&names, ((struct strv){"a\0b", 3})), one);
	ck_assert_uint_eq(names.nb, 4);
}
END_TEST

START_TEST(there_are_only_so_many)
{
	const struct name *first = names_intern(&names, STRV("n0"));
	char text[16];

	for (unsigned int i = 1; i < REGISTRATIONS_NAMES_MAX; i++) {
		snprintf(text, sizeof(text), "n%u", i);
		if (names_intern(&names, strv_from(text)) == NULL)
			ck_abort_msg("no room for name %u", i);
	}
	ck_assert_ptr_null(names_intern(&names, STRV("one more")));
	// Those that are there are found all the same.
	ck_assert_ptr_eq(names_intern(&names, STRV("n0")), first);
	ck_assert_ptr_nonnull(names_intern(&names, STRV("n16383")));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("registrations_names");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, equal_names_are_one_pointer);
	tcase_add_test(tc, others_are_told_apart_to_the_last_octet);
	tcase_add_test(tc, there_are_only_so_many);
	return suite_run(tc);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "tests/config/support.h"

#include "config/errors.h"

START_TEST(an_error_names_file_line_column_and_path)
{
	struct config_error error = {"f.yaml", 35, 15, "a.b", "no"};
	char text[64];

	ck_assert_int_eq(config_error_format(&error, text, sizeof(text)), 21);
	ck_assert_str_eq(text, "f.yaml:35:15: a.b: no");
}
END_TEST

START_TEST(what_an_error_lacks_is_left_out)
{
	struct config_error no_path = {"f.yaml", 1, 2, "", "no"};
	struct config_error no_place = {"f.yaml", 0, 0, "", "no"};
	char text[64];

	config_error_format(&no_path, text, sizeof(text));
	ck_assert_str_eq(text, "f.yaml:1:2: no");
	config_error_format(&no_place, text, sizeof(text));
	ck_assert_str_eq(text, "f.yaml: no");
}
END_TEST

START_TEST(a_small_buffer_is_not_overrun)
{
	struct config_error error = {"f.yaml", 35, 15, "a.b", "no"};
	char text[8] = "xxxxxxx";

	ck_assert_int_ge(config_error_format(&error, text, 4), 4);
	ck_assert_str_eq(text, "f.y");
	ck_assert_int_eq(text[4], 'x');
}
END_TEST

START_TEST(the_same_error_is_kept_once)
{
	struct config_errors errs = {0};

	errors_add(&errs, "f", (struct mark){1, 2}, "a", "no");
	errors_add(&errs, "f", (struct mark){1, 2}, "a", "no");
	errors_add(&errs, "f", (struct mark){1, 2}, "a", "never");
	ck_assert_uint_eq(errs.nb_items, 2);
	config_errors_fini(&errs);
	ck_assert_ptr_null(errs.items);
}
END_TEST

START_TEST(errors_sort_by_place)
{
	struct config_errors errs = {0};

	errors_add(&errs, "f", (struct mark){2, 1}, "d", "");
	errors_add(&errs, "f", (struct mark){1, 9}, "c", "");
	errors_add(&errs, "f", (struct mark){0, 0}, "a", "");
	errors_add(&errs, "f", (struct mark){1, 2}, "b", "");
	errors_sort(&errs);
	for (uint32_t i = 0; i < 4; i++)
		ck_assert_int_eq(errs.items[i].path[0], 'a' + (int)i);
	config_errors_fini(&errs);
}
END_TEST

START_TEST(errors_beyond_the_limit_are_counted)
{
	struct config_errors errs = {0};
	char *printed = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&printed, &size);

	for (uint32_t i = 0; i < CONFIG_ERRORS_MAX + 3; i++)
		errors_add(&errs, "f", (struct mark){i + 1, 1}, "", "no");
	ck_assert(errors_full(&errs));
	ck_assert_uint_eq(errs.nb_dropped, 3);
	config_errors_print(f, &errs);
	fclose(f);
	ck_assert_ptr_nonnull(strstr(printed, "f:200:1: no\nand 3 more errors\n"));
	free(printed);
	config_errors_fini(&errs);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, an_error_names_file_line_column_and_path);
	tcase_add_test(tc, what_an_error_lacks_is_left_out);
	tcase_add_test(tc, a_small_buffer_is_not_overrun);
	tcase_add_test(tc, the_same_error_is_kept_once);
	tcase_add_test(tc, errors_sort_by_place);
	tcase_add_test(tc, errors_beyond_the_limit_are_counted);
}

int main(void)
{
	return run_suite("errors", add_tests);
}

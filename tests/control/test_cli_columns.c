// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/columns.h"

#include <check.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>

static const struct column titles[] = {{"NAME", false}, {"N", true}, {"NOTE", false}};

static char *print(const struct columns *columns, bool header)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	ck_assert_int_eq(columns_print(columns, out, header), 0);
	fclose(out);
	return text;
}

static struct columns *filled(void)
{
	struct columns *columns = columns_create(titles, 3);

	columns_add(columns, "\xe7\xa3\x81");
	columns_addf(columns, "%d", 12);
	columns_add(columns, "");
	columns_add(columns, "a\tb");
	columns_add(columns, NULL);
	columns_add(columns, "x");
	return columns;
}

START_TEST(cells_are_aligned_by_their_width)
{
	struct columns *columns = filled();
	char *text = print(columns, true);

	ck_assert_str_eq(text, "NAME   N  NOTE\n\xe7\xa3\x81    12  -\na\\tb   -  x\n");
	free(text);
	columns_destroy(columns);
}
END_TEST

START_TEST(scripts_get_one_tab_between_cells)
{
	struct columns *columns = filled();
	char *text = print(columns, false);

	ck_assert_str_eq(text, "\xe7\xa3\x81\t12\t-\na\\tb\t-\tx\n");
	free(text);
	columns_destroy(columns);
}
END_TEST

START_TEST(an_empty_table_is_its_header)
{
	struct columns *columns = columns_create(titles, 3);
	char *text = print(columns, true);

	ck_assert_str_eq(text, "NAME  N  NOTE\n");
	free(text);
	text = print(columns, false);
	ck_assert_str_eq(text, "");
	free(text);
	columns_destroy(columns);
}
END_TEST

START_TEST(no_table_is_an_error)
{
	columns_add(NULL, "x");
	columns_addf(NULL, "%d", 1);
	columns_destroy(NULL);
	ck_assert_int_eq(columns_print(NULL, stdout, true), -ENOMEM);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli/columns");
	TCase *tcase = tcase_create("columns");
	SRunner *runner;
	int failed;

	setlocale(LC_CTYPE, "C.UTF-8");
	tcase_add_test(tcase, cells_are_aligned_by_their_width);
	tcase_add_test(tcase, scripts_get_one_tab_between_cells);
	tcase_add_test(tcase, an_empty_table_is_its_header);
	tcase_add_test(tcase, no_table_is_an_error);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}

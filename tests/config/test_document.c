// SPDX-License-Identifier: BSD-3-Clause
#include "tests/config/support.h"

#include "config/document.h"

#include <errno.h>

struct refused {
	const char *text;
	size_t len; // 0: strlen
	const char *errors;
};

static const struct refused refused[] = {
	{"", 0, "t: empty, a mapping is needed\n"},
	{"# nothing\n\n", 0, "t: empty, a mapping is needed\n"},
	{"a: 1\n---\nb: 2\n", 0, "t:2:1: a second document starts here, allowed: one\n"},
	{"a: 1\n...\nb: 2\n", 0, "t:3:1: not YAML: did not find expected <document start>\n"},
	{"a: 1\n b: 2\n", 0, "t:2:3: not YAML: mapping values are not allowed in this context\n"},
	{"a:\n\tb: 2\n", 0, "t:2:1: found a tab, allowed: spaces\n"},
	{"a: [1\n", 0,
		"t:2:1: not YAML: while parsing a flow sequence, did not find expected ',' or "
		"']'\n"},
	{"a: \"b\n", 0,
		"t:2:1: not YAML: while scanning a quoted scalar, found unexpected end of "
		"stream\n"},
	{"a: *b\n", 0, "t:1:4: not YAML: found undefined alias\n"},
	{"a: &b 1\nc: &b 2\n", 0,
		"t:2:4: not YAML: found duplicate anchor; first occurrence, second occurrence\n"},
	{"a: !b 1\n", 0, "t:1:4: tag \"!b\" found, allowed: no tags\n"},
	{"a: !!binary aGk=\nb: !!str 1\nc: !d {}\n", 0,
		"t:1:4: tag \"tag:yaml.org,2002:binary\" found, allowed: no tags\n"
		"t:3:4: tag \"!d\" found, allowed: no tags\n"},
	{"a: 1\nb: \xff\n", 0, "t:2:4: not text in UTF-8\n"},
	{"a: 1\nb: \x01\n", 0, "t:2:4: not text in UTF-8\n"},
	{"a: \0b\n", 6, "t:1:4: not text in UTF-8\n"},
	{"%YAML 3.0\n---\na: 1\n", 0, "t:1:1: not YAML: found incompatible YAML document\n"},
	{"[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", 0,
		"t:1:17: nested too deeply, allowed: 16 levels\n"},
};

START_TEST(text_that_is_no_document_is_refused)
{
	const struct refused *r = &refused[_i];
	struct config_errors errs = {0};
	struct document doc;
	char *printed = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&printed, &size);
	struct text text = {r->text, r->len > 0 ? r->len : strlen(r->text)};

	ck_assert_int_eq(document_init(&doc, "t", text, &errs), -EINVAL);
	config_errors_print(f, &errs);
	fclose(f);
	ck_assert_str_eq(printed, r->errors);
	free(printed);
	config_errors_fini(&errs);
}
END_TEST

static const char *const sample = "a: 1\n"
				  "list:\n"
				  "  - name: one\n"
				  "    port: 5\n"
				  "  - {name: Two, port: 6}\n"
				  "  - &x [1, '~', ~, '', null]\n"
				  "  - {name: '', port: 7}\n"
				  "again: *x\n";

static struct config_errors errs;
static struct document doc;

static void setup(void)
{
	ck_assert_int_eq(document_init(&doc, "t", (struct text){sample, strlen(sample)}, &errs), 0);
}

static void teardown(void)
{
	document_fini(&doc);
	config_errors_fini(&errs);
}

struct place {
	const char *path;
	uint32_t line, column;
	const char *shown;
	bool there;
};

static const struct place places[] = {
	{"", 1, 1, "", true},
	{"a", 1, 4, "a", true},
	{"list", 3, 3, "list", true},
	{"list[0]", 3, 5, "list[one]", true},
	{"list[0].port", 4, 11, "list[one].port", true},
	// The name's own error is clearer with the number.
	{"list[0].name", 3, 11, "list[0].name", true},
	{"list[1].port", 5, 23, "list[1].port", true}, // "Two" is no name
	{"list[3].port", 7, 22, "list[3].port", true},
	{"list[2][1]", 6, 12, "list[2][1]", true},
	{"again[1]", 6, 12, "again[1]", true},
	// What is not there is shown at the nearest step above.
	{"list[0].zone", 3, 5, "list[one].zone", false},
	{"list[9].zone", 3, 3, "list[9].zone", false},
	{"b.c[3]", 1, 1, "b.c[3]", false},
	{"a.b", 1, 4, "a.b", false},
	{"a[0]", 1, 4, "a[0]", false},
};

START_TEST(a_path_has_a_place)
{
	const struct place *place = &places[_i];
	struct strbuf shown = {0};
	struct mark mark = document_locate(&doc, place->path, &shown);

	ck_assert_uint_eq(mark.line, place->line);
	ck_assert_uint_eq(mark.column, place->column);
	ck_assert_str_eq(strbuf_text(&shown), place->shown);
	ck_assert_int_eq(document_has(&doc, place->path), place->there);
	strbuf_fini(&shown);
}
END_TEST

START_TEST(only_plain_nulls_are_null)
{
	static const bool null[] = {false, false, true, false, true};
	int list = document_find(&doc, document_root(&doc), "again");

	ck_assert_int_eq(document_kind(&doc, list), NODE_SEQUENCE);
	ck_assert_uint_eq(document_nb_items(&doc, list), 5);
	for (uint32_t i = 0; i < 5; i++)
		ck_assert_int_eq(document_is_null(&doc, document_item(&doc, list, i)), null[i]);
}
END_TEST

START_TEST(a_scalar_has_no_keys)
{
	int scalar = document_find(&doc, document_root(&doc), "a");

	ck_assert_int_eq(document_find(&doc, scalar, "a"), 0);
	ck_assert_int_eq(document_find(&doc, 0, "a"), 0);
	ck_assert_uint_eq(document_nb_items(&doc, scalar), 0);
	ck_assert_uint_eq(document_text(&doc, document_root(&doc)).len, 0);
}
END_TEST

START_TEST(reports_at_the_place)
{
	char text[128];

	document_report(&doc, "list[0].port", "%s %d", "no", 7);
	ck_assert_uint_eq(errs.nb_items, 1);
	config_error_format(&errs.items[0], text, sizeof(text));
	ck_assert_str_eq(text, "t:4:11: list[one].port: no 7");
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, text_that_is_no_document_is_refused, 0, NB(refused));
	tcase_add_loop_test(tc, a_path_has_a_place, 0, NB(places));
	tcase_add_test(tc, only_plain_nulls_are_null);
	tcase_add_test(tc, a_scalar_has_no_keys);
	tcase_add_test(tc, reports_at_the_place);
}

int main(void)
{
	return run_suite("document", add_tests);
}

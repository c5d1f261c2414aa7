// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/text.h"

#include <check.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>

#define VIEW(literal) ((struct strv){(literal), sizeof(literal) - 1})

static const struct {
	struct strv in;
	const char *out;
} escapes[] = {
	{VIEW(""), ""},
	{VIEW("plain ~"), "plain ~"},
	{VIEW("a\r\n\tb\\"), "a\\r\\n\\tb\\\\"},
	{VIEW("\x1b[31m"), "\\x1b[31m"},
	{VIEW("\0\x7f"), "\\x00\\x7f"},
	{VIEW("\xc3\xa9 \xe7\xa3\x81"), "\xc3\xa9 \xe7\xa3\x81"},
	{VIEW("\xc2\x9b"), "\\xc2\\x9b"}, // CSI, a control of C1
	{VIEW("\xe2\x80\xae"), "\\xe2\\x80\\xae"}, // right-to-left override
	{VIEW("\xe2\x80\x8b"), "\\xe2\\x80\\x8b"}, // zero width space
	{VIEW("\xef\xbb\xbf"), "\\xef\\xbb\\xbf"}, // byte order mark
	{VIEW("\xc3"), "\\xc3"}, // cut off
	{VIEW("\xe7\xa3"), "\\xe7\\xa3"},
	{VIEW("\xc0\xaf"), "\\xc0\\xaf"}, // not the shortest form
	{VIEW("\xe0\x80\xaf"), "\\xe0\\x80\\xaf"},
	{VIEW("\xed\xa0\x80"), "\\xed\\xa0\\x80"}, // a surrogate
	{VIEW("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"}, // above U+10FFFF
	{VIEW("\xff"), "\\xff"},
};

START_TEST(escapes_what_a_terminal_acts_on)
{
	char *text = text_escape_dup(escapes[_i].in);

	ck_assert_str_eq(text, escapes[_i].out);
	free(text);
}
END_TEST

START_TEST(escapes_octets_to_ascii)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	text_escape_octets(out, VIEW("a\xc3\xa9\r\\\0"));
	fclose(out);
	ck_assert_str_eq(text, "a\\xc3\\xa9\\r\\\\\\x00");
	free(text);
}
END_TEST

START_TEST(width_counts_columns)
{
	ck_assert_uint_eq(text_width("abc"), 3);
	ck_assert_uint_eq(text_width("\xc3\xa9"), 1);
	ck_assert_uint_eq(text_width("\xe7\xa3\x81\xe7\x9b\x98"), 4);
	ck_assert_uint_eq(text_width("e\xcc\x81"), 1); // a combining accent
	ck_assert_uint_eq(text_width(""), 0);
}
END_TEST

START_TEST(json_replaces_what_is_not_utf8)
{
	bool lossy = false;
	json_t *string = text_json(VIEW("a\xc3\xa9"), &lossy);

	ck_assert_str_eq(json_string_value(string), "a\xc3\xa9");
	ck_assert(!lossy);
	json_decref(string);
	string = text_json(VIEW("a\xff\x00z"), &lossy);
	ck_assert(lossy);
	ck_assert_uint_eq(json_string_length(string), 6);
	ck_assert_mem_eq(json_string_value(string), "a\xef\xbf\xbd\0z", 6);
	json_decref(string);
}
END_TEST

static const struct {
	const char *text;
	int error;
	uint64_t ms;
} durations[] = {
	{"500ms", 0, 500},
	{"5s", 0, 5000},
	{"2m", 0, 120000},
	{"2h", 0, 7200000},
	{"365d", 0, UINT64_C(31536000000)},
	{"0s", 0, 0},
	{"366d", -ERANGE, 0},
	{"18446744073709551616s", -ERANGE, 0},
	{"", -EINVAL, 0},
	{"5", -EINVAL, 0},
	{"s", -EINVAL, 0},
	{"-5s", -EINVAL, 0},
	{"5 s", -EINVAL, 0},
	{"5sec", -EINVAL, 0},
	{"1.5s", -EINVAL, 0},
};

START_TEST(durations_need_a_unit)
{
	uint64_t ms = 0;

	ck_assert_int_eq(text_duration_parse(durations[_i].text, &ms), durations[_i].error);
	ck_assert_uint_eq(ms, durations[_i].ms);
}
END_TEST

START_TEST(durations_have_two_units)
{
	static const struct {
		uint64_t s;
		const char *text;
	} rows[] = {{0, "0s"}, {59, "59s"}, {65, "1m05s"}, {39780, "11h03m"}, {525600, "6d02h"},
		{UINT64_MAX, "ages"}};
	char text[TEXT_DURATION_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		text_duration_format(rows[i].s, text);
		ck_assert_str_eq(text, rows[i].text);
	}
}
END_TEST

START_TEST(times_are_iso_8601_utc)
{
	char text[TEXT_TIME_MAX];

	text_time_format(UINT64_C(1795252442118), text);
	ck_assert_str_eq(text, "2026-11-21T09:14:02.118Z");
	text_time_format(UINT64_MAX, text);
	ck_assert_str_eq(text, "-");
}
END_TEST

START_TEST(suggests_the_nearest_word)
{
	static const char *const words[] = {"ready", "drain", "maint", NULL};

	ck_assert_str_eq(text_suggest("drian", words), "drain");
	ck_assert_str_eq(text_suggest("reday", words), "ready");
	ck_assert_str_eq(text_suggest("maintenance", words), "maint");
	ck_assert_ptr_null(text_suggest("off", words));
	ck_assert_ptr_null(text_suggest("", words));
}
END_TEST

START_TEST(long_words_are_never_near)
{
	char word[300];

	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	ck_assert_uint_eq(text_distance(word, "a"), UINT32_MAX);
	ck_assert_uint_eq(text_distance("drain", "drian"), 1);
	ck_assert_uint_eq(text_distance("", "abc"), 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli/text");
	TCase *tcase = tcase_create("text");
	SRunner *runner;
	int failed;

	setlocale(LC_CTYPE, "C.UTF-8");
	tcase_add_loop_test(tcase, escapes_what_a_terminal_acts_on, 0,
		(int)(sizeof(escapes) / sizeof(escapes[0])));
	tcase_add_test(tcase, escapes_octets_to_ascii);
	tcase_add_test(tcase, width_counts_columns);
	tcase_add_test(tcase, json_replaces_what_is_not_utf8);
	tcase_add_loop_test(
		tcase, durations_need_a_unit, 0, (int)(sizeof(durations) / sizeof(durations[0])));
	tcase_add_test(tcase, durations_have_two_units);
	tcase_add_test(tcase, times_are_iso_8601_utc);
	tcase_add_test(tcase, suggests_the_nearest_word);
	tcase_add_test(tcase, long_words_are_never_near);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}

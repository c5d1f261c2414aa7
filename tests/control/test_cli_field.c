// SPDX-License-Identifier: BSD-3-Clause
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "control/cli/client.h"

static const struct {
	const char *octets;
	size_t len;
	const char *text;
} pairs[] = {
	{"", 0, ""},
	{"f", 1, "Zg=="},
	{"fo", 2, "Zm8="},
	{"foo", 3, "Zm9v"},
	{"foob", 4, "Zm9vYg=="},
	{"\xff\x00\xfe", 3, "/wD+"},
};

START_TEST(base64_goes_both_ways)
{
	json_t *object = json_pack("{s:s}", "octets", pairs[_i].text);
	char *text = base64_encode(pairs[_i].octets, pairs[_i].len);
	size_t len = 99;
	char *octets = field_octets(object, "octets", &len);

	ck_assert_str_eq(text, pairs[_i].text);
	ck_assert_uint_eq(len, pairs[_i].len);
	ck_assert_mem_eq(octets, pairs[_i].octets, len);
	free(text);
	free(octets);
	json_decref(object);
}
END_TEST

static const char *const malformed[] = {
	"Z",
	"Zg=",
	"Zg",
	"Z===",
	"====",
	"Zg==Zg==",
	"Zg=a",
	"Zm9v\n",
	"Zm 9",
	"%%%%",
	"Zm9\xc3\xa9",
};

START_TEST(refuses_what_is_not_base64)
{
	json_t *object = json_pack("{s:s}", "octets", malformed[_i]);
	size_t len;

	ck_assert_ptr_null(field_octets(object, "octets", &len));
	json_decref(object);
}
END_TEST

START_TEST(nul_in_base64_is_refused)
{
	json_t *object = json_pack("{s:s%}", "octets", "Zm\0v", (size_t)4);
	size_t len;

	ck_assert_ptr_null(field_octets(object, "octets", &len));
	json_decref(object);
}
END_TEST

START_TEST(other_types_read_as_nothing)
{
	json_t *object =
		json_pack("{s:i, s:s, s:n, s:[], s:f}", "i", 5, "s", "x", "n", "a", "f", -1e300);

	ck_assert_ptr_null(field_text(object, "i"));
	ck_assert_ptr_null(field_text(object, "none"));
	ck_assert_ptr_null(field_text(NULL, "i"));
	ck_assert_str_eq(field_text_or(object, "a", "-"), "-");
	ck_assert_int_eq(field_integer(object, "s"), 0);
	ck_assert_int_eq(field_integer(object, "f"), 0);
	ck_assert(field_number(object, "n") == 0);
	ck_assert_uint_eq(field_seconds(object, "f"), 0);
	ck_assert_uint_eq(field_seconds(object, "i"), 5);
	ck_assert(!field_true(object, "s"));
	json_decref(object);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli/field");
	TCase *tcase = tcase_create("field");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(
		tcase, base64_goes_both_ways, 0, (int)(sizeof(pairs) / sizeof(pairs[0])));
	tcase_add_loop_test(tcase, refuses_what_is_not_base64, 0,
		(int)(sizeof(malformed) / sizeof(malformed[0])));
	tcase_add_test(tcase, nul_in_base64_is_refused);
	tcase_add_test(tcase, other_types_read_as_nothing);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}

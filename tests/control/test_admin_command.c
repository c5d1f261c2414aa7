// SPDX-License-Identifier: BSD-3-Clause
#include "control/admin_command.h"

#include "tests/control/suite.h"

#include <string.h>

static const struct {
	const char *octets, *text;
} base64[] = {
	// RFC 4648 section 10
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
	{"\xff\xfe\xfb", "//77"},
};

START_TEST(encodes_and_decodes)
{
	json_t *text = admin_octets(base64[_i].octets, strlen(base64[_i].octets));
	size_t len;
	uint8_t *octets = admin_decode(base64[_i].text, &len);

	ck_assert_str_eq(json_string_value(text), base64[_i].text);
	ck_assert_ptr_nonnull(octets);
	ck_assert_uint_eq(len, strlen(base64[_i].octets));
	ck_assert_mem_eq(octets, base64[_i].octets, len);
	free(octets);
	json_decref(text);
}
END_TEST

static const char *const malformed[] = {"Z", "Zg", "Zg=", "Zg===", "=",
	"====", "Z===", "Zg==Zg==", "Zm9 ", "Zm9\n", "Zm9-", "Zm9_"};

START_TEST(refuses_what_is_not_base64)
{
	size_t len;

	ck_assert_ptr_null(admin_decode(malformed[_i], &len));
}
END_TEST

START_TEST(finds_the_longest_command)
{
	json_t *words = json_pack("[s, s]", "where", "message");
	const struct admin_command *command;
	uint32_t nb;

	command = admin_find_command(words, &nb);
	ck_assert_ptr_nonnull(command);
	ck_assert_str_eq(command->words, "where message");
	ck_assert_uint_eq(nb, 2);
	json_decref(words);
	words = json_pack("[s, s, s, s]", "where", "access", "call-id", "x");
	command = admin_find_command(words, &nb);
	ck_assert_str_eq(command->words, "where");
	ck_assert_uint_eq(nb, 1);
	json_decref(words);
	words = json_pack("[s]", "wher");
	ck_assert_ptr_null(admin_find_command(words, &nb));
	json_decref(words);
}
END_TEST

START_TEST(writes_times_and_hashes)
{
	json_t *time = admin_time(INT64_C(1795262555007));
	json_t *hash = admin_hash(0xbc6cda75fc276134);
	json_t *none = admin_time(0);

	ck_assert_str_eq(json_string_value(time), "2026-11-21T12:02:35.007Z");
	ck_assert_str_eq(json_string_value(hash), "bc6cda75fc276134");
	ck_assert(json_is_null(none));
	json_decref(time);
	json_decref(hash);
	json_decref(none);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("admin_command");

	tcase_add_loop_test(tc, encodes_and_decodes, 0, (int)(sizeof(base64) / sizeof(base64[0])));
	tcase_add_loop_test(
		tc, refuses_what_is_not_base64, 0, (int)(sizeof(malformed) / sizeof(malformed[0])));
	tcase_add_test(tc, finds_the_longest_command);
	tcase_add_test(tc, writes_times_and_hashes);
	return suite_run(tc);
}

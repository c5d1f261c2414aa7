// SPDX-License-Identifier: BSD-3-Clause
#include "control/registrations_value.h"

#include <check.h>

#include <errno.h>
#include <stdlib.h>

#define GOOD "1700000000000000 1700003600000 0 305419896 4660 192.0.2.1:5060 edge-1 access/kam1"

START_TEST(reads_what_it_writes)
{
	char text[REGISTRATIONS_VALUE_MAX];
	struct registrations_value value;
	static const char *const lines[] = {
		GOOD,
		"1700000000000000 1700003600000 1 0 0 [2001:db8::1]:65535 n s/b",
	};

	for (unsigned int i = 0; i < 2; i++) {
		ck_assert_int_eq(registrations_value_parse(strv_from(lines[i]), &value), 0);
		ck_assert_uint_eq(registrations_value_format(&value, text), strlen(lines[i]));
		ck_assert_str_eq(text, lines[i]);
	}
	registrations_value_parse(STRV(GOOD), &value);
	ck_assert_uint_eq(value.version, 1700000000000000);
	ck_assert_int_eq(value.expires_ms, 1700003600000);
	ck_assert_uint_eq(value.backend_id, 305419896);
	ck_assert_uint_eq(value.listener_id, 4660);
	ck_assert_uint_eq(value.flow.port, 5060);
	ck_assert(strv_eq(value.node, STRV("edge-1")));
	ck_assert(strv_eq(value.backend, STRV("access/kam1")));
}
END_TEST

START_TEST(the_longest_value_fits)
{
	char node[REGISTRATIONS_NODE_MAX + 1], backend[REGISTRATIONS_BACKEND_MAX + 1];
	char text[REGISTRATIONS_VALUE_MAX];
	struct registrations_value value = {
		.version = UINT64_C(9007199254740991),
		.expires_ms = INT64_C(99999999999999999),
		.deleted = true,
		.backend_id = UINT32_MAX,
		.listener_id = UINT16_MAX,
		.node = {node, REGISTRATIONS_NODE_MAX},
		.backend = {backend, REGISTRATIONS_BACKEND_MAX},
	};
	struct registrations_value back;

	memset(node, 'n', sizeof(node));
	memset(backend, 'b', sizeof(backend));
	value.flow = (struct endpoint){.ip.family = 6, .port = UINT16_MAX};
	memset(value.flow.ip.octets, 0xff, 16);
	ck_assert_uint_lt(registrations_value_format(&value, text), REGISTRATIONS_VALUE_MAX - 1);
	ck_assert_int_eq(registrations_value_parse(strv_from(text), &back), 0);
	ck_assert(strv_eq(back.backend, value.backend));
}
END_TEST

static const char *const malformed[] = {
	"",
	" ",
	"1700000000000000",
	"1700000000000000 ",
	"170000000000000 1700003600000 0 1 1 192.0.2.1:5060 n s/b", // 15 digits
	"17000000000000000 1700003600000 0 1 1 192.0.2.1:5060 n s/b", // 17
	"0000000000000000 1700003600000 0 1 1 192.0.2.1:5060 n s/b",
	"9999999999999999 1700003600000 0 1 1 192.0.2.1:5060 n s/b", // Lua cannot compare it
	"170000000000000x 1700003600000 0 1 1 192.0.2.1:5060 n s/b",
	"1700000000000000 -1 0 1 1 192.0.2.1:5060 n s/b",
	"1700000000000000 9999999999999999999 0 1 1 192.0.2.1:5060 n s/b",
	"1700000000000000 1700003600000 2 1 1 192.0.2.1:5060 n s/b",
	"1700000000000000 1700003600000 0 4294967296 1 192.0.2.1:5060 n s/b",
	"1700000000000000 1700003600000 0 1 65536 192.0.2.1:5060 n s/b",
	"1700000000000000 1700003600000 0 1 1 192.0.2.1 n s/b",
	"1700000000000000 1700003600000 0 1 1 192.0.2.1: n s/b",
	"1700000000000000 1700003600000 0 1 1 :5060 n s/b",
	"1700000000000000 1700003600000 0 1 1 192.0.2.1:65536 n s/b",
	"1700000000000000 1700003600000 0 1 1 host:5060 n s/b",
	"1700000000000000 1700003600000 0 1 1 192.0.2.1:5060 n",
	"1700000000000000 1700003600000 0 1 1 192.0.2.1:5060 n ",
	"1700000000000000 1700003600000 0 1 1 192.0.2.1:5060  s/b",
	"1700000000000000 1700003600000 0 1 1 192.0.2.1:5060 n s/b more",
	"1700000000000000 1700003600000 0 1 1 192.0.2.1:5060 n s/\033[2J",
	"1700000000000000  1700003600000 0 1 1 192.0.2.1:5060 n s/b",
};

START_TEST(refuses_malformed)
{
	struct registrations_value value;
	size_t len = strlen(malformed[_i]);
	char *exact = malloc(len + 1); // of the length asked for: one octet too far is seen

	memcpy(exact, malformed[_i], len);
	exact = realloc(exact, len > 0 ? len : 1);
	ck_assert_int_eq(registrations_value_parse((struct strv){exact, len}, &value), -EBADMSG);
	free(exact);
}
END_TEST

START_TEST(refuses_every_beginning_of_a_value)
{
	struct registrations_value value;
	size_t shortest = strlen(GOOD) - strlen("ccess/kam1");

	for (size_t len = 0; len < shortest; len++) {
		char *exact = malloc(len + 1);

		memcpy(exact, GOOD, len);
		ck_assert_int_eq(
			registrations_value_parse((struct strv){exact, len}, &value), -EBADMSG);
		free(exact);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("registrations_value");
	TCase *tcase = tcase_create("value");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, reads_what_it_writes);
	tcase_add_test(tcase, the_longest_value_fits);
	tcase_add_loop_test(tcase, refuses_malformed, 0, sizeof(malformed) / sizeof(malformed[0]));
	tcase_add_test(tcase, refuses_every_beginning_of_a_value);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

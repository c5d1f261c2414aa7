// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/icmp.h"

#include <check.h>

#include <errno.h>
#include <stdlib.h>

// Port unreachable about 203.0.113.5:5060 -> 10.20.1.11:5062.
static const uint8_t unreachable4[] = {3, 3, 0, 0, 0, 0, 0, 0, // ICMP
	0x45, 0, 0, 60, 0, 1, 0, 0, 63, 17, 0, 0, 203, 0, 113, 5, 10, 20, 1, 11, // IPv4
	0x13, 0xc4, 0x13, 0xc6, 0, 40, 0, 0}; // UDP
static const uint8_t too_big4[] = {3, 4, 0, 0, 0, 0, 0x05, 0x78, // MTU 1400
	0x45, 0, 0, 60, 0, 1, 0, 0, 63, 17, 0, 0, 203, 0, 113, 5, 10, 20, 1, 11, // IPv4
	0x13, 0xc4, 0x13, 0xc6, 0, 40, 0, 0}; // UDP
static const uint8_t unreachable6[] = {1, 4, 0, 0, 0, 0, 0, 0, // ICMPv6
	0x60, 0, 0, 0, 0, 20, 17, 63, // IPv6
	0x20, 1, 0x0d, 0xb8, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, // source
	0x20, 1, 0x0d, 0xb8, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11, // destination
	0x13, 0xc4, 0x13, 0xc6, 0, 20, 0, 0}; // UDP
static const uint8_t too_big6_fragment[] = {2, 0, 0, 0, 0, 0, 0x05, 0x00, // MTU 1280
	0x60, 0, 0, 0, 0, 28, 44, 63, // IPv6
	0x20, 1, 0x0d, 0xb8, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, // source
	0x20, 1, 0x0d, 0xb8, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11, // destination
	17, 0, 0, 1, 0, 0, 0, 7, // Fragment, offset 0
	0x13, 0xc4, 0x13, 0xc6, 0, 20, 0, 0}; // UDP

static const struct {
	const uint8_t *data;
	size_t len;
	uint8_t family, kind;
	uint32_t mtu;
	size_t quoted_min; // octets that are enough
} errors[] = {
	{unreachable4, sizeof(unreachable4), 4, ICMP_ERROR_UNREACHABLE, 0, 32},
	{too_big4, sizeof(too_big4), 4, ICMP_ERROR_TOO_BIG, 1400, 32},
	{unreachable6, sizeof(unreachable6), 6, ICMP_ERROR_UNREACHABLE, 0, 52},
	{too_big6_fragment, sizeof(too_big6_fragment), 6, ICMP_ERROR_TOO_BIG, 1280, 60},
};

START_TEST(names_the_datagram_that_it_is_about)
{
	struct icmp_error e;
	char text[ENDPOINT_TEXT_MAX];

	ck_assert_int_eq(
		icmp_error_read(errors[_i].data, errors[_i].len, errors[_i].family, &e), 0);
	ck_assert_uint_eq(e.kind, errors[_i].kind);
	ck_assert_uint_eq(e.mtu, errors[_i].mtu);
	endpoint_format(&e.sent_from, text);
	ck_assert_str_eq(
		text, errors[_i].family == 4 ? "203.0.113.5:5060" : "[2001:db8:5::5]:5060");
	endpoint_format(&e.sent_to, text);
	ck_assert_str_eq(
		text, errors[_i].family == 4 ? "10.20.1.11:5062" : "[2001:db8:20::11]:5062");
}
END_TEST

// Each length in a block of exactly that size, for the sanitizer to watch its end.
START_TEST(reads_no_octet_that_is_not_there)
{
	for (size_t len = 0; len < errors[_i].len; len++) {
		uint8_t *copy = malloc(len + !len);
		struct icmp_error e;
		int err;

		memcpy(copy, errors[_i].data, len);
		err = icmp_error_read(copy, len, errors[_i].family, &e);
		ck_assert_int_eq(err, len < errors[_i].quoted_min ? -EBADMSG : 0);
		free(copy);
	}
}
END_TEST

START_TEST(leaves_everything_else_to_the_kernel)
{
	uint8_t echo[64] = {8}, later[sizeof(unreachable4)], tcp[sizeof(unreachable4)];
	struct icmp_error e;

	ck_assert_int_eq(icmp_error_read(echo, sizeof(echo), 4, &e), -ENOENT);
	echo[0] = 128;
	ck_assert_int_eq(icmp_error_read(echo, sizeof(echo), 6, &e), -ENOENT);
	memcpy(later, unreachable4, sizeof(later));
	later[8 + 7] = 185; // a later fragment has no ports
	ck_assert_int_eq(icmp_error_read(later, sizeof(later), 4, &e), -ENOENT);
	memcpy(tcp, unreachable4, sizeof(tcp));
	tcp[8 + 9] = 6;
	ck_assert_int_eq(icmp_error_read(tcp, sizeof(tcp), 4, &e), -ENOENT);
}
END_TEST

START_TEST(refuses_a_quoted_packet_of_another_version)
{
	struct icmp_error e;

	ck_assert_int_eq(icmp_error_read(unreachable6, sizeof(unreachable6), 4, &e), -ENOENT);
	ck_assert_int_eq(icmp_error_read(too_big4, sizeof(too_big4), 6, &e), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("icmp");
	TCase *tc = tcase_create("icmp");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(
		tc, names_the_datagram_that_it_is_about, 0, sizeof(errors) / sizeof(errors[0]));
	tcase_add_loop_test(
		tc, reads_no_octet_that_is_not_there, 0, sizeof(errors) / sizeof(errors[0]));
	tcase_add_test(tc, leaves_everything_else_to_the_kernel);
	tcase_add_test(tc, refuses_a_quoted_packet_of_another_version);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

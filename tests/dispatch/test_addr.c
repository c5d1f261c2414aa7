// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "dataplane/dispatch/text.h"
#include "tests/dispatch/suite.h"

// The text in memory of exactly its size, so that ASan sees one octet too far.
static int parse(const char *text, struct ip_addr *ip)
{
	size_t len = strlen(text);
	char *copy = malloc(len);
	int ret;

	memcpy(copy, text, len);
	ret = ip_addr_parse((struct strv){copy, len}, ip);
	free(copy);
	return ret;
}

static const char *const good[][2] = {
	{"192.0.2.1", "192.0.2.1"},
	{"0.0.0.0", "0.0.0.0"},
	{"255.255.255.255", "255.255.255.255"},
	{"10.20.100.9", "10.20.100.9"},
	{"::", "::"},
	{"::1", "::1"},
	{"1::", "1::"},
	{"[2001:db8::1]", "2001:db8::1"},
	{"2001:DB8::9:1", "2001:db8::9:1"},
	{"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
	{"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
	{"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
	{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
	{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
	{"fe80::0102:0304", "fe80::102:304"},
	{"::ffff:192.0.2.10", "::ffff:c000:20a"},
	{"1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"},
	// RFC 5118 section 4.10: what the ABNF of RFC 3261 allowed by mistake.
	{"[2001:db8:::192.0.2.1]", "2001:db8::c000:201"},
};

START_TEST(literals_come_out_as_rfc_5952_writes_them)
{
	char text[IP_ADDR_TEXT_MAX];
	struct ip_addr ip;

	ck_assert_msg(parse(good[_i][0], &ip) == 0, "%s", good[_i][0]);
	ck_assert_uint_eq(ip_addr_format(&ip, text), strlen(good[_i][1]));
	ck_assert_str_eq(text, good[_i][1]);
}
END_TEST

static const char *const bad[] = {
	"",
	"1",
	"192.0.2",
	"192.0.2.",
	"192.0.2.1.",
	"192.0.2.1 ",
	"192.0.2.256",
	"192.0.2.01",
	"192.0.2.0001",
	"1920.0.2.1",
	"example.com",
	"[192.0.2.1]",
	"[2001:db8::1",
	"2001:db8::1]",
	"[]",
	":",
	":1",
	"1:",
	":1::",
	"1:2",
	"1::2::3",
	":::1",
	"12345::",
	"1:2:3:4:5:6:7:8:9",
	"1:2:3:4:5:6:7:8::",
	"::1:2:3:4:5:6:7:8",
	"1:2:3:4:5:6:7:192.0.2.1",
	"::192.0.2.1:5",
	"::192.0.2",
	"::g",
	"2001:db8::1%eth0",
};

START_TEST(what_is_no_literal_is_refused)
{
	struct ip_addr ip;

	ck_assert_msg(parse(bad[_i], &ip) != 0, "%s", bad[_i]);
}
END_TEST

START_TEST(agrees_with_inet_pton)
{
	uint32_t random = 1;

	for (int i = 0; i < 20000; i++) {
		struct ip_addr ip, again;
		uint8_t octets[16];
		char text[IP_ADDR_TEXT_MAX], theirs[INET6_ADDRSTRLEN];

		ip.family = 6;
		for (int j = 0; j < 16; j++) {
			random = random * 1664525 + 1013904223;
			ip.octets[j] = random >> 30 == 0 ? (uint8_t)(random >> 20) : 0;
		}
		ip_addr_format(&ip, text);
		ck_assert_int_eq(inet_pton(AF_INET6, text, octets), 1);
		ck_assert_mem_eq(octets, ip.octets, 16);
		inet_ntop(AF_INET6, octets, theirs, sizeof(theirs));
		ck_assert_int_eq(parse(theirs, &again), 0);
		ck_assert(ip_addr_eq(&ip, &again));
	}
}
END_TEST

START_TEST(only_unicast_is_sent_to)
{
	static const char *const yes[] = {"1.2.3.4", "10.0.0.1", "223.255.255.255", "2001:db8::1",
		"fd00::1", "fe80::1", "64:ff9b::102:304"};
	static const char *const no[] = {"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.0.1",
		"224.0.1.75", "239.1.1.1", "255.255.255.255", "::", "::1", "ff02::1",
		"::ffff:127.0.0.1", "::192.0.2.1"};
	struct ip_addr ip = {0};

	ck_assert(!ip_addr_is_unicast(&ip));
	for (unsigned int i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		ck_assert_int_eq(parse(yes[i], &ip), 0);
		ck_assert_msg(ip_addr_is_unicast(&ip), "%s", yes[i]);
	}
	for (unsigned int i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		ck_assert_int_eq(parse(no[i], &ip), 0);
		ck_assert_msg(!ip_addr_is_unicast(&ip), "%s", no[i]);
	}
}
END_TEST

START_TEST(endpoints_have_brackets_around_ipv6)
{
	char text[ENDPOINT_TEXT_MAX];
	struct endpoint ep = {.port = 5060};

	ck_assert_int_eq(parse("203.0.113.5", &ep.ip), 0);
	ck_assert_uint_eq(endpoint_format(&ep, text), 16);
	ck_assert_str_eq(text, "203.0.113.5:5060");
	ck_assert_int_eq(parse("1111:2222:3333:4444:5555:6666:7777:8888", &ep.ip), 0);
	ep.port = 65535;
	ck_assert_uint_eq(endpoint_format(&ep, text), 47);
	ck_assert_str_eq(text, "[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
}
END_TEST

START_TEST(numbers_are_written_like_printf_writes_them)
{
	static const uint32_t values[] = {0, 1, 9, 10, 99, 100, 999, 1000, 9999, 10000, 65535};
	char ours[16 + TEXT_SLACK], theirs[16];

	for (unsigned int i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(theirs, sizeof(theirs), "%u", values[i]);
		*text_u16(ours, (uint16_t)values[i]) = '\0';
		ck_assert_str_eq(ours, theirs);
		*text_u32(ours, values[i]) = '\0';
		ck_assert_str_eq(ours, theirs);
	}
	*text_u32(ours, UINT32_MAX) = '\0';
	ck_assert_str_eq(ours, "4294967295");
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("addr");

	tcase_add_loop_test(
		tc, literals_come_out_as_rfc_5952_writes_them, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(tc, what_is_no_literal_is_refused, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, agrees_with_inet_pton);
	tcase_add_test(tc, only_unicast_is_sent_to);
	tcase_add_test(tc, endpoints_have_brackets_around_ipv6);
	tcase_add_test(tc, numbers_are_written_like_printf_writes_them);
	return run_suite("addr", tc);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "tests/config/value_samples.h"

static const struct sample samples[] = {
	{SCHEMA_ADDR, "1.2.3.4", "{family: 4, ip: [1,2,3,4,0,0,0,0,0,0,0,0,0,0,0,0]}"},
	{SCHEMA_ADDR, "fe80::1", "{family: 6, ip: [254,128,0,0,0,0,0,0,0,0,0,0,0,0,0,1]}"},
	{SCHEMA_ADDR, "1.2.3", NULL},
	{SCHEMA_ADDR, "1.2.3.4.5", NULL},
	{SCHEMA_ADDR, "01.2.3.4", NULL},
	{SCHEMA_ADDR, "0x1.2.3.4", NULL},
	{SCHEMA_ADDR, "1.2.3.256", NULL},
	{SCHEMA_ADDR, "255.255.255.255", NULL},
	{SCHEMA_ADDR, "fe80::1%eth0", NULL},
	{SCHEMA_ADDR, "::", NULL},
	{SCHEMA_ADDR, "ff02::1", NULL},
	{SCHEMA_ADDR, "::ffff:1.2.3.4", NULL},
	{SCHEMA_ADDR, "1:2:3:4:5:6:7:8:9", NULL},
	{SCHEMA_ADDR, "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", NULL},
	{SCHEMA_ADDR, "[::1", NULL},
	{SCHEMA_ADDR, "", NULL},
	{SCHEMA_PREFIX, "0.0.0.0/0",
		"{addr: {family: 4, ip: [0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}, length: 0}"},
	{SCHEMA_PREFIX, "::/0",
		"{addr: {family: 6, ip: [0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}, length: 0}"},
	{SCHEMA_PREFIX, "1.2.3.4/32",
		"{addr: {family: 4, ip: [1,2,3,4,0,0,0,0,0,0,0,0,0,0,0,0]}, length: 32}"},
	{SCHEMA_PREFIX, "1.2.3.4/31",
		"{addr: {family: 4, ip: [1,2,3,4,0,0,0,0,0,0,0,0,0,0,0,0]}, length: 31}"},
	{SCHEMA_PREFIX, "1.2.3.5/31", NULL},
	{SCHEMA_PREFIX, "1.2.3.4/", NULL},
	{SCHEMA_PREFIX, "1.2.3.4/08", NULL},
	{SCHEMA_PREFIX, "1.2.3.4/-1", NULL},
	{SCHEMA_PREFIX, "/8", NULL},
	{SCHEMA_PREFIX, "1.2.3.0/255.255.255.0", NULL},
	{SCHEMA_PREFIX, "", NULL},
	{SCHEMA_IFADDR, "1.2.3.4/24",
		"{addr: {family: 4, ip: [1,2,3,4,0,0,0,0,0,0,0,0,0,0,0,0]}, length: 24}"},
	{SCHEMA_IFADDR, "1.2.3.4/0", NULL},
	{SCHEMA_SOCKET, "h:1", "{host: \"h\", port: 1}"},
	{SCHEMA_SOCKET, "1.2.3.4:65535", "{host: \"1.2.3.4\", port: 65535}"},
	{SCHEMA_SOCKET, "[::1]:1", "{host: \"::1\", port: 1}"},
	{SCHEMA_SOCKET, "a-b.c_d.example:1", "{host: \"a-b.c_d.example\", port: 1}"},
	{SCHEMA_SOCKET, "unix:/a\"b", "{path: \"/a\\\"b\"}"},
	{SCHEMA_SOCKET, "unix:", NULL},
	{SCHEMA_SOCKET, "h:65536", NULL},
	{SCHEMA_SOCKET, "h:", NULL},
	{SCHEMA_SOCKET, ":1", NULL},
	{SCHEMA_SOCKET, ":", NULL},
	{SCHEMA_SOCKET, "[]:1", NULL},
	{SCHEMA_SOCKET, "[h]:1", NULL},
	{SCHEMA_SOCKET, "h.:1", NULL},
	{SCHEMA_SOCKET, "a..b:1", NULL},
	{SCHEMA_SOCKET, "1.2.3:1", NULL},
	{SCHEMA_SOCKET, "", NULL},
	{SCHEMA_LISTEN, "127.1.2.3:1", "{host: \"127.1.2.3\", port: 1}"},
	{SCHEMA_LISTEN, "[::2]:1", NULL},
	{SCHEMA_LISTEN, "128.0.0.1:1", NULL},
};

START_TEST(values_are_normalized_or_refused_with_a_reason)
{
	check_sample(&samples[_i]);
}
END_TEST

static const struct reason reasons[] = {
	{SCHEMA_PREFIX, "10.0.0.1/8",
		"\"10.0.0.1/8\" has bits set after its length, did you mean \"10.0.0.0/8\"?"},
	{SCHEMA_PREFIX, "2001:db8::1/32",
		"\"2001:db8::1/32\" has bits set after its length, did you mean "
		"\"2001:db8::/32\"?"},
	{SCHEMA_PREFIX, "192.0.2.1",
		"\"192.0.2.1\" has no prefix length, did you mean \"192.0.2.1/32\"?"},
	{SCHEMA_PREFIX, "2001:db8::1",
		"\"2001:db8::1\" has no prefix length, did you mean \"2001:db8::1/128\"?"},
	{SCHEMA_PREFIX, "10.0.0.0/33", "\"10.0.0.0/33\" has a bad prefix length, allowed: 0..32"},
	{SCHEMA_PREFIX, "::/129", "\"::/129\" has a bad prefix length, allowed: 0..128"},
	{SCHEMA_PREFIX, "::ffff:10.0.0.0/104",
		"\"::ffff:10.0.0.0/104\" is an IPv4-mapped address, allowed: the IPv4 address "
		"itself"},
	{SCHEMA_IFADDR, "192.0.2.1", "\"192.0.2.1\" has no prefix length, allowed: address/length"},
	{SCHEMA_IFADDR, "224.0.0.1/24", "\"224.0.0.1/24\" is not a unicast address in a network"},
	{SCHEMA_ADDR, "224.0.0.1", "\"224.0.0.1\" is not a unicast address"},
	{SCHEMA_ADDR, "0.0.0.0", "\"0.0.0.0\" is not a unicast address"},
	{SCHEMA_SOCKET, "h",
		"\"h\" is not a socket, allowed: \"host:port\", \"[v6]:port\" or "
		"\"unix:/path\""},
	{SCHEMA_LISTEN, "192.0.2.1:9619",
		"\"192.0.2.1:9619\" is not a loopback address, allowed: 127.0.0.0/8, [::1] or "
		"unix:/path; put a proxy in front for others"},
	{SCHEMA_SOCKET, "unix:relative",
		"\"unix:relative\" is not a UNIX socket, allowed: unix: and an absolute path of at "
		"most 107 octets"},
};

START_TEST(a_reason_says_what_was_meant)
{
	check_reason(&reasons[_i]);
}
END_TEST

START_TEST(a_path_has_the_room_that_a_socket_address_has)
{
	struct strbuf out = {0}, why = {0};
	char text[5 + 108];

	memset(text, 'x', sizeof(text));
	memcpy(text, "unix:/", 6);
	ck_assert_int_eq(
		value_normalize(&types[SCHEMA_SOCKET], guarded(text, 5 + 107), &out, &why), 0);
	ck_assert_int_eq(value_normalize(&types[SCHEMA_SOCKET], guarded(text, 5 + 108), &out, &why),
		-EINVAL);
	strbuf_fini(&out);
	strbuf_fini(&why);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_loop_test(tc, values_are_normalized_or_refused_with_a_reason, 0, NB(samples));
	tcase_add_loop_test(tc, a_reason_says_what_was_meant, 0, NB(reasons));
	tcase_add_test(tc, a_path_has_the_room_that_a_socket_address_has);
}

int main(void)
{
	return run_suite("value_address", add_tests);
}

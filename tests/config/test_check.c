// SPDX-License-Identifier: BSD-3-Clause
// What malformed.txt cannot show, because it changes one place of one file.
#include "tests/config/support.h"

#include "config/check.h"

struct sample {
	const char *services;
	const char *errors;
};

static const struct sample samples[] = {
	// The same backend may serve two services, and its name be used twice.
	{"  - {name: a, listen: [{address: 192.0.2.1}], backends: [{name: b, address: 10.0.0.1}]}\n"
	 "  - {name: c, listen: [{address: 192.0.2.2}], backends: [{name: b, address: "
	 "10.0.0.1}]}\n",
		""},
	// One address, two ports.
	{"  - {name: a, listen: [{address: 192.0.2.1}, {address: 192.0.2.1, port: 5061}],\n"
	 "     backends: [{name: b, address: 10.0.0.1}, {name: c, address: 10.0.0.1, port: 1}]}\n",
		""},
	{"  - {name: a, listen: [{address: 192.0.2.1}], backends: [{name: b, address: 10.0.0.1}]}\n"
	 "  - {name: a, listen: [{address: 192.0.2.1}], backends: [{name: b, address: "
	 "10.0.0.1}]}\n",
		"t.yaml:6:12: services[1].name: \"a\" is already used at line 5\n"
		"t.yaml:6:34: services[a].listen[0].address: \"192.0.2.1:5060\" is already used at "
		"line 5\n"},
	// Two ways to write one address.
	{"  - {name: a, listen: [{address: '2001:db8::1'}, {address: '2001:DB8:0::1'}],\n"
	 "     backends: [{name: b, address: '2001:db8::2'}]}\n",
		"t.yaml:5:60: services[a].listen[1].address: \"[2001:db8::1]:5060\" is already "
		"used "
		"at line 5\n"},
	// Without services there is nothing to check.
	{"  []\n", "t.yaml:5:3: services: has 0 items, allowed: 1..64\n"},
	// An error of the schema has no further errors as a consequence.
	{"  - {name: a, listen: [{address: 192.0.2.300}],\n"
	 "     backends: [{name: B, address: '2001:db8::2'}, {name: C, address: '::'}]}\n",
		"t.yaml:5:34: services[a].listen[0].address: \"192.0.2.300\" is not an IP address, "
		"allowed: IPv4 or IPv6, no names\n"
		"t.yaml:6:24: services[a].backends[0].name: \"B\" is not a name, allowed: "
		"[a-z0-9][a-z0-9._-]{0,62}\n"
		"t.yaml:6:59: services[a].backends[1].name: \"C\" is not a name, allowed: "
		"[a-z0-9][a-z0-9._-]{0,62}\n"
		"t.yaml:6:71: services[a].backends[1].address: \"::\" is not a unicast address\n"},
	{"  - {name: a, listen: [{address: 192.0.2.1}], backends: [{name: b, address: 10.0.0.1}]}\n"
	 "redis: {address: 'h:1', lease: 1s}\n",
		"t.yaml:6:32: redis.lease: the node would lose its lease between two reports, "
		"allowed: \"publish_interval\" less than \"lease\"\n"},
	{"  - {name: a, listen: [{address: 192.0.2.1}], backends: [{name: b, address: 10.0.0.1}]}\n"
	 "redis: {address: 'h:1', lease: 1s, publish_interval: 500ms}\n",
		""},
};

START_TEST(references_and_duplicates_are_checked)
{
	assert_service_errors(samples[_i].services, samples[_i].errors);
}
END_TEST

START_TEST(addresses_are_formatted_for_people)
{
	struct config_addr v4 = {4, {10, 20, 1, 11}}, v6 = {6, {0x20, 1, 0x0d, 0xb8, [15] = 1}};
	struct config_addr none = {0};
	char text[64];

	check_format_addr(&v4, 5060, text, sizeof(text));
	ck_assert_str_eq(text, "10.20.1.11:5060");
	check_format_addr(&v6, 5060, text, sizeof(text));
	ck_assert_str_eq(text, "[2001:db8::1]:5060");
	check_format_addr(&v6, 0, text, sizeof(text));
	ck_assert_str_eq(text, "2001:db8::1");
	check_format_addr(&none, 5060, text, sizeof(text));
	ck_assert_str_eq(text, "");
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_loop_test(tc, references_and_duplicates_are_checked, 0, NB(samples));
	tcase_add_test(tc, addresses_are_formatted_for_people);
}

int main(void)
{
	return run_suite("check", add_tests);
}

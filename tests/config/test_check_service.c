// SPDX-License-Identifier: BSD-3-Clause
// What malformed.txt cannot show, because it changes one place of one file.
#include "tests/config/support.h"

static const struct sample {
	const char *services;
	const char *errors;
} samples[] = {
	// Three of a kind: two errors, each naming the one before.
	{"  - name: a\n"
	 "    listen: [{address: 192.0.2.1}]\n"
	 "    backends:\n"
	 "      - {name: b, address: 10.0.0.1}\n"
	 "      - {name: b, address: 10.0.0.2}\n"
	 "      - {name: b, address: 10.0.0.3}\n",
		"t.yaml:9:16: services[a].backends[1].name: \"b\" is already used at line 8\n"
		"t.yaml:10:16: services[a].backends[2].name: \"b\" is already used at line 9\n"},
	{"  - {name: a, listen: [{address: '2001:db8::1'}],\n"
	 "     backends: [{name: b, address: 10.0.0.1}]}\n",
		"t.yaml:6:36: services[a].backends[b].address: \"10.0.0.1\" is IPv4, but no "
		"listener "
		"of the service is; needed: an IPv4 address in \"listen\", because requests leave "
		"for "
		"a backend from a listener's address\n"},
	// A listener of another service is a loop as well.
	{"  - {name: a, listen: [{address: 192.0.2.1}], backends: [{name: b, address: "
	 "192.0.2.2}]}\n"
	 "  - {name: c, listen: [{address: 192.0.2.2}], backends: [{name: b, address: "
	 "10.0.0.1}]}\n",
		"t.yaml:5:77: services[a].backends[b].address: \"192.0.2.2:5060\" is a listener of "
		"this file, allowed: an address of a proxy\n"},
	// No backend inherits from a service that overrides both keys.
	{"  - {name: a, listen: [{address: 192.0.2.1}], backends: [{name: b, address: 10.0.0.1}],\n"
	 "     health_check: {timeout: 300ms}}\n"
	 "defaults: {health_check: {interval: 400ms}}\n",
		""},
	{"  - {name: a, listen: [{address: 192.0.2.1}], backends: [{name: b, address: 10.0.0.1}]}\n"
	 "defaults: {health_check: {interval: 400ms}}\n",
		"t.yaml:6:37: defaults.health_check.interval: a timeout of \"1s\" is longer than "
		"the "
		"interval of \"400ms\", allowed: at most as long\n"},
	// Each network that stands in both lists, in whatever order.
	{"  - name: a\n"
	 "    listen:\n"
	 "      - address: 192.0.2.1\n"
	 "        acl: {allow: [10.2.0.0/16, 10.1.0.0/16, '2001:db8::/32'],\n"
	 "              deny: ['2001:db8::/32', 10.1.0.0/24, 10.2.0.0/16]}\n"
	 "    backends: [{name: b, address: 10.0.0.1}]\n",
		"t.yaml:9:22: services[a].listen[0].acl.deny[0]: \"2001:db8::/32\" is in \"allow\" "
		"too, allowed: one of the two\n"
		"t.yaml:9:52: services[a].listen[0].acl.deny[2]: \"10.2.0.0/16\" is in \"allow\" "
		"too, allowed: one of the two\n"},
	// One in the other is an exception, not a contradiction.
	{"  - name: a\n"
	 "    listen: [{address: 192.0.2.1, acl: {allow: [10.0.0.0/8], deny: [10.1.0.0/16]}}]\n"
	 "    backends: [{name: b, address: 10.0.0.1}]\n",
		""},
	{"  - {name: a, listen: [{address: 'fe80::1'}], backends: [{name: b, address: "
	 "'fe80::2'}]}\n",
		"t.yaml:5:34: services[a].listen[0].address: \"fe80::1\" is link-local, allowed: "
		"an "
		"address that is valid everywhere\n"
		"t.yaml:5:77: services[a].backends[b].address: \"fe80::2\" is link-local, allowed: "
		"an "
		"address that is valid everywhere\n"},
	// Another port of a listener's address is another program.
	{"  - {name: a, listen: [{address: 192.0.2.1}], backends: [{name: b, address: 192.0.2.1, "
	 "port: 5070}]}\n",
		""},
	// The nearest place that set it is named: the backend, the service, the defaults.
	{"  - name: a\n"
	 "    listen: [{address: 192.0.2.1}]\n"
	 "    health_check: {interval: 2s, timeout: 1s}\n"
	 "    backends: [{name: b, address: 10.0.0.1, health_check: {timeout: 3s}}]\n",
		"t.yaml:8:69: services[a].backends[b].health_check.timeout: a timeout of \"3s\" is "
		"longer than the interval of \"2s\", allowed: at most as long\n"},
	{"  - name: a\n"
	 "    listen: [{address: 192.0.2.1}]\n"
	 "    health_check: {interval: 2s, timeout: 3s}\n"
	 "    backends: [{name: b, address: 10.0.0.1}]\n",
		"t.yaml:7:43: services[a].health_check.timeout: a timeout of \"3s\" is longer than "
		"the interval of \"2s\", allowed: at most as long\n"},
};

START_TEST(a_service_is_checked)
{
	assert_service_errors(samples[_i].services, samples[_i].errors);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_loop_test(tc, a_service_is_checked, 0, NB(samples));
}

int main(void)
{
	return run_suite("check_service", add_tests);
}

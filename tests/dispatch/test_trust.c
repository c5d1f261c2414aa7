// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>

#include "tests/dispatch/lab.h"
#include "tests/dispatch/messages.h"
#include "tests/dispatch/suite.h"

// Who is a backend: by source address, and by the port that the packet came in on. Backends are
// behind port 1, and what has a backend's address on port 0 is forged.

#define BACKEND "10.20.1.11:5060"

static struct lab lab;
static char text[4096];

enum {
	OUTSIDE,
	INSIDE_PORT
};

static void setup(void)
{
	lab_init(&lab, &(struct lab_options){.barred_ports = 1 << OUTSIDE});
}

static void teardown(void)
{
	lab_fini(&lab);
}

static const char callout[] =
	"INVITE sip:peer@192.0.2.200:5099 SIP/2.0\n" TOP_VIA IDENTITY("INVITE") "\n";

START_TEST(a_backend_on_its_port_calls_out)
{
	lab.port = INSIDE_PORT;
	lab_send(&lab, callout, BACKEND, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	ck_assert_int_eq(lab.d.rule, RULE_OUTBOUND);
	ck_to(&lab, "192.0.2.200:5099");
}
END_TEST

// Every message that means something else when a backend sends it, and every one that gets an
// answer; also from other ports of the backend's host.
static const char *const forged[] = {
	callout,
	REQUEST("INVITE"),
	REQUEST("REGISTER"),
	REQUEST("ACK"),
	"OPTIONS sip:" VIP " SIP/2.0\n" TOP_VIA "Max-Forwards: 0\n" IDENTITY("OPTIONS") "\n",
	"INVITE sip:peer@names.example SIP/2.0\n" TOP_VIA IDENTITY("INVITE") "\n",
	"INVITE sip:b@x SIP/2.0\n" TOP_VIA "Content-Length: 99\n" IDENTITY("INVITE") "\n",
	"SIP/2.0 200 OK\n" TOP_VIA TOP_VIA IDENTITY("INVITE") "\n",
	"SIP/3.0\n\n",
};

START_TEST(whoever_forges_a_backend_is_neither_served_nor_answered)
{
	lab_send(&lab, forged[_i], _i % 2 ? BACKEND : "10.20.1.11:1024", VIP4);
	ck_dropped(&lab, DROP_SPOOFED);
	ck_assert_uint_eq(lab.d.backend, SNAPSHOT_NONE);
}
END_TEST

START_TEST(a_client_on_the_same_port_is_served)
{
	lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	ck_assert_int_eq(lab.d.rule, RULE_TABLE);
}
END_TEST

START_TEST(an_unknown_port_is_believed)
{
	lab.port = SNAPSHOT_NONE;
	lab_send(&lab, callout, BACKEND, VIP4);
	ck_action(&lab, ACTION_FORWARD);
}
END_TEST

// The branch is good, and was read by somebody on the way: it takes the backend's port, too.
START_TEST(a_response_with_our_branch_counts_on_the_backends_port_only)
{
	char source[ENDPOINT_TEXT_MAX];

	lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
	endpoint_format(&lab.d.to, source);
	snprintf(text, sizeof(text), "SIP/2.0 200 OK\r\n%s", strstr(lab.out, "Via: "));
	lab_send(&lab, text, source, VIP4);
	ck_dropped(&lab, DROP_SPOOFED);
	lab.port = INSIDE_PORT;
	lab_send(&lab, text, source, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	ck_to(&lab, CALLER);
}
END_TEST

// A Path is the way to a registered client: whoever forges a backend cannot use it.
START_TEST(a_path_token_does_not_help)
{
	const char *path;

	lab_send(&lab, REQUEST_WITH("REGISTER", "Supported: path\n"), CALLER, VIP4);
	path = strstr(lab.out, "Path: <") + strlen("Path: ");
	snprintf(text, sizeof(text),
		"INVITE sip:b@192.168.1.2 SIP/2.0\n" TOP_VIA
		"Route: %.*s\n" IDENTITY("INVITE") "\n",
		(int)strcspn(path, "\r"), path);
	lab_send(&lab, text, BACKEND, VIP4);
	ck_dropped(&lab, DROP_SPOOFED);
	lab.port = INSIDE_PORT;
	lab_send(&lab, text, BACKEND, VIP4);
	ck_action(&lab, ACTION_FORWARD);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("trust");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_backend_on_its_port_calls_out);
	tcase_add_loop_test(tc, whoever_forges_a_backend_is_neither_served_nor_answered, 0,
		sizeof(forged) / sizeof(forged[0]));
	tcase_add_test(tc, a_client_on_the_same_port_is_served);
	tcase_add_test(tc, an_unknown_port_is_believed);
	tcase_add_test(tc, a_response_with_our_branch_counts_on_the_backends_port_only);
	tcase_add_test(tc, a_path_token_does_not_help);
	return run_suite("trust", tc);
}

// SPDX-License-Identifier: BSD-3-Clause
#include <check.h>
#include <stdlib.h>

#include "tests/dispatch/lab.h"

static struct lab lab;

static void setup(void)
{
	lab_init(&lab, NULL);
}

static void teardown(void)
{
	lab_fini(&lab);
}

#define INVITE                                                              \
	"INVITE sip:bob@example.com SIP/2.0\n"                              \
	"Via: SIP/2.0/UDP 192.168.1.2:5062;branch=z9hG4bK776asdhds;rport\n" \
	"Max-Forwards: 70\n"                                                \
	"To: Bob <sip:bob@example.com>\n"                                   \
	"From: Alice <sip:alice@example.com>;tag=1928301774\n"              \
	"Call-ID: a84b4c76e66710@pc33\n"                                    \
	"CSeq: 314159 INVITE\n"                                             \
	"Contact: <sip:alice@192.168.1.2:5062>\n"                           \
	"Content-Length: 5\n\nv=0\n"

START_TEST(rfc3261_16_11_an_invite_goes_to_a_backend)
{
	lab_send(&lab, INVITE, CALLER, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	ck_assert_int_eq(lab.d.rule, RULE_TABLE);
	ck_assert_int_eq(lab.d.from, VIP4);
	ck_out(&lab,
		"INVITE sip:bob@example.com SIP/2.0\n"
		"Via: SIP/2.0/UDP 203.0.113.5:5060;branch=z9hG4bK*\n"
		"Record-Route: <sip:*@203.0.113.5:5060;lr>\n"
		"Via: SIP/2.0/UDP "
		"192.168.1.2:5062;branch=z9hG4bK776asdhds;rport=5062;received=198.51.100.10\n"
		"Max-Forwards: 69\n"
		"To: Bob <sip:bob@example.com>\n"
		"From: Alice <sip:alice@example.com>;tag=1928301774\n"
		"Call-ID: a84b4c76e66710@pc33\n"
		"CSeq: 314159 INVITE\n"
		"Contact: <sip:alice@192.168.1.2:5062>\n"
		"Content-Length: 5\n\nv=0\n");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("request");
	TCase *tc = tcase_create("request");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, rfc3261_16_11_an_invite_goes_to_a_backend);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

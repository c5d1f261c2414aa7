// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/reply.h"

#include <errno.h>
#include <stdio.h>

#include "tests/dispatch/lab.h"
#include "tests/dispatch/messages.h"
#include "tests/dispatch/suite.h"

static struct lab lab;

static void setup(void)
{
	lab_init(&lab, NULL);
}

static void teardown(void)
{
	lab_fini(&lab);
}

#define ANSWERED                                               \
	"From: Alice <sip:alice@example.com>;tag=1928301774\n" \
	"To: Bob <sip:bob@example.com>;tag=*\n"                \
	"Call-ID: a84b4c76e66710@pc33\n"                       \
	"CSeq: 314159 INVITE\n"

START_TEST(rfc3261_8_2_6_2_what_an_answer_carries)
{
	lab_send(&lab,
		START("INVITE") TOP_VIA
		"Max-Forwards: 0\nv: SIP/2.0/TCP a.example.com;branch=z9hG4bK1,\n SIP/2.0/UDP "
		"b\n" IDENTITY("INVITE") "Content-Length: 4\n\nbody",
		CALLER, VIP4);
	ck_out(&lab,
		"SIP/2.0 483 Too Many Hops\n" STAMPED_VIA
		"v: SIP/2.0/TCP a.example.com;branch=z9hG4bK1,\n SIP/2.0/UDP b\n" ANSWERED
		"Content-Length: 0\n\n");
}
END_TEST

START_TEST(rfc3261_20_33_503_says_when_to_try_again)
{
	memset(&lab.bits, 0, sizeof(lab.bits));
	lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
	ck_out(&lab,
		"SIP/2.0 503 Service Unavailable\n" STAMPED_VIA ANSWERED
		"Retry-After: 7\nContent-Length: 0\n\n");
}
END_TEST

START_TEST(rfc3261_16_3_5_420_says_what_is_not_understood)
{
	lab_send(&lab,
		REQUEST_WITH("INVITE", "Proxy-Require: foo,\n\tbar\nProxy-Require: sec-agree\n"),
		CALLER, VIP4);
	ck_out(&lab,
		"SIP/2.0 420 Bad Extension\n" STAMPED_VIA ANSWERED
		"Unsupported: foo,\n\tbar\nUnsupported: sec-agree\nContent-Length: 0\n\n");
}
END_TEST

START_TEST(rfc3261_21_4_1_400_says_what_is_wrong)
{
	lab_send(&lab, START("INVITE") TOP_VIA "Max-Forwards: 256\n" IDENTITY("INVITE") "\n",
		CALLER, VIP4);
	ck_assert_mem_eq(lab.out, "SIP/2.0 400 ", 12);
	ck_assert_ptr_nonnull(strstr(lab.out, "Max-Forwards"));
	ck_assert_uint_eq(lab.d.reason, SIP_BAD_MAX_FORWARDS);
}
END_TEST

START_TEST(rfc3261_8_2_7_a_retransmission_gets_the_same_to_tag)
{
	char *first;

	lab_send(&lab, START("INVITE") TOP_VIA "Max-Forwards: 0\n" IDENTITY("INVITE") "\n", CALLER,
		VIP4);
	first = lab_out(&lab);
	// On another node, after a key rotation.
	lab_fini(&lab);
	lab_init(&lab, &(struct lab_options){.nb_keys = 2, .primary_key = 1});
	lab_send(&lab, START("INVITE") TOP_VIA "Max-Forwards: 0\n" IDENTITY("INVITE") "\n", CALLER,
		VIP4);
	ck_assert_str_eq(lab.out, first);
	lab_send(&lab, START("INVITE") TOP_VIA "Max-Forwards: 0\n" IN_DIALOG("INVITE") "\n", CALLER,
		VIP4);
	ck_assert_ptr_nonnull(strstr(lab.out, "To: Bob <sip:bob@example.com>;tag=a6c85cf\r\n"));
	free(first);
}
END_TEST

START_TEST(an_answer_is_never_much_longer_than_the_request)
{
	// The shortest request that asks for most.
	lab_send(&lab,
		"X sip:x SIP/2.0\nv: SIP/2.0/UDP h;rport\nf: a:b\nt: c:d\ni: 1\nCSeq: 1 X\n"
		"Max-Forwards: 0\n\n",
		"[2001:db8:1111:2222:3333:4444:5555:6666]:65535", VIP6);
	ck_action(&lab, ACTION_REPLY);
	ck_assert_int_le(lab.out_len, (int)lab.msg.len + REPLY_GROWTH_MAX);
}
END_TEST

START_TEST(what_does_not_fit_is_refused_and_nothing_is_overrun)
{
	char *exact;
	int len;

	lab_send(&lab, START("INVITE") TOP_VIA "Max-Forwards: 0\n" IDENTITY("INVITE") "\n", CALLER,
		VIP4);
	len = lab.out_len;
	for (int cap = 0; cap <= len; cap++) {
		exact = malloc((size_t)cap + 1);
		ck_assert_int_eq(reply_build(&lab.ctx, &lab.in, &lab.d, exact, (size_t)cap),
			cap < len ? -EMSGSIZE : len);
		free(exact);
	}
}
END_TEST

START_TEST(an_ack_is_never_answered)
{
	char out[1024];

	lab_send(&lab, REQUEST("ACK"), CALLER, VIP4);
	lab.d.reply_status = 400;
	ck_assert_int_eq(reply_build(&lab.ctx, &lab.in, &lab.d, out, sizeof(out)), -EINVAL);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("reply");

	// Once: every test runs in a process of its own with a copy.
	tcase_add_unchecked_fixture(tc, setup, teardown);
	tcase_add_test(tc, rfc3261_8_2_6_2_what_an_answer_carries);
	tcase_add_test(tc, rfc3261_20_33_503_says_when_to_try_again);
	tcase_add_test(tc, rfc3261_16_3_5_420_says_what_is_not_understood);
	tcase_add_test(tc, rfc3261_21_4_1_400_says_what_is_wrong);
	tcase_add_test(tc, rfc3261_8_2_7_a_retransmission_gets_the_same_to_tag);
	tcase_add_test(tc, an_answer_is_never_much_longer_than_the_request);
	tcase_add_test(tc, what_does_not_fit_is_refused_and_nothing_is_overrun);
	tcase_add_test(tc, an_ack_is_never_answered);
	return run_suite("reply", tc);
}

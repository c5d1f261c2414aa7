// SPDX-License-Identifier: BSD-3-Clause
#include "control/probe_message.h"

#include "parser/sip_msg.h"
#include "tests/control/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct snapshot_key key = {.id = 'a', .key = {1, 2, 3}};
static struct snapshot_listener listener;
static struct endpoint to = {{4, {10, 20, 1, 11}}, 5060};
static char padded[2048 + 2 * SIP_PAD];

static struct probe_message make(void)
{
	listener.sent_by_len =
		(uint8_t)snprintf(listener.sent_by, sizeof(listener.sent_by), "203.0.113.5:5060");
	return (struct probe_message){&key, &listener, &to, "sip:probe@sipshunt.invalid", "lb1",
		UINT64_C(0x1122334455667788)};
}

START_TEST(is_a_valid_options_request)
{
	struct probe_message message = make();
	char *out = padded + SIP_PAD;
	int len = probe_message_format(&message, out, 2048);
	struct sip_msg msg;

	ck_assert_int_gt(len, 0);
	ck_assert_int_eq(sip_parse(&msg, out, (size_t)len), SIP_OK);
	ck_assert_int_eq(msg.kind, SIP_REQUEST);
	ck_assert_int_eq(msg.method, SIP_OPTIONS);
	ck_assert(strv_eq(sip_strv(&msg, msg.request_uri), STRV("sip:10.20.1.11:5060")));
	ck_assert(strv_eq(sip_strv(&msg, msg.via.sent_by), STRV("203.0.113.5:5060")));
	ck_assert_uint_gt(msg.via.rport_param.len, 0);
	ck_assert_mem_eq(msg.buf + msg.via.branch.off, "z9hG4bK", 7);
	ck_assert_uint_gt(msg.from_tag.len, 0);
	ck_assert_uint_eq(msg.to_tag.len, 0);
	ck_assert_uint_eq(msg.max_forwards, 70);
	ck_assert_uint_eq(msg.body_len, 0);
}
END_TEST

START_TEST(two_probes_are_two_transactions)
{
	char first[2048], second[2048];
	struct probe_message message = make();

	probe_message_format(&message, first, sizeof(first));
	message.probe_id++;
	probe_message_format(&message, second, sizeof(second));
	ck_assert_str_ne(strstr(first, "branch="), strstr(second, "branch="));
	ck_assert_str_ne(strstr(first, "Call-ID"), strstr(second, "Call-ID"));
}
END_TEST

START_TEST(an_ipv6_backend_stands_in_brackets)
{
	struct probe_message message = make();
	const struct endpoint six = {{6, {0x20, 1, 0xd, 0xb8, [15] = 1}}, 5070};
	char out[2048];

	message.to = &six;
	ck_assert_int_gt(probe_message_format(&message, out, sizeof(out)), 0);
	ck_assert_mem_eq(out, "OPTIONS sip:[2001:db8::1]:5070 SIP/2.0\r\n", 40);
}
END_TEST

START_TEST(says_when_it_does_not_fit)
{
	struct probe_message message = make();
	char out[64];

	ck_assert_int_eq(probe_message_format(&message, out, sizeof(out)), -EMSGSIZE);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("probe_message");

	tcase_add_test(tc, is_a_valid_options_request);
	tcase_add_test(tc, two_probes_are_two_transactions);
	tcase_add_test(tc, an_ipv6_backend_stands_in_brackets);
	tcase_add_test(tc, says_when_it_does_not_fit);
	return suite_run(tc);
}

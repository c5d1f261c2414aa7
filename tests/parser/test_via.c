// SPDX-License-Identifier: BSD-3-Clause
#include "tests/parser/text.h"

#include <errno.h>

START_TEST(takes_every_parameter)
{
	struct text t =
		text_new("SIP/2.0/SCTP first.example.com:4000;ttl=16;maddr=224.2.0.1;"
			 "branch=z9hG4bKa7c6a8dlze.1;received=192.0.2.207;rport=5070;x=\"a;b\"");
	struct sip_via via;

	ck_assert_int_eq(sip_via_parse(&t.msg, t.all, &via), 0);
	ck_assert_int_eq(via.transport, SIP_SCTP);
	ck_assert_str_eq(str(&t.msg, via.sent_by), "first.example.com:4000");
	ck_assert_str_eq(str(&t.msg, via.host), "first.example.com");
	ck_assert_uint_eq(via.port, 4000);
	ck_assert_uint_eq(via.ttl, 16);
	ck_assert_str_eq(str(&t.msg, via.maddr), "224.2.0.1");
	ck_assert_str_eq(str(&t.msg, via.branch), "z9hG4bKa7c6a8dlze.1");
	ck_assert_str_eq(str(&t.msg, via.received), "192.0.2.207");
	ck_assert_str_eq(str(&t.msg, via.received_param), "received=192.0.2.207");
	ck_assert_str_eq(str(&t.msg, via.rport_param), "rport=5070");
	ck_assert_uint_eq(via.rport, 5070);
	text_free(&t);
}
END_TEST

START_TEST(absent_is_zero)
{
	struct text t = text_new("sip / 2.0 / x-new \t h");
	struct sip_via via;

	ck_assert_int_eq(sip_via_parse(&t.msg, t.all, &via), 0);
	ck_assert_int_eq(via.transport, SIP_TRANSPORT_OTHER);
	ck_assert_str_eq(str(&t.msg, via.sent_by), "h");
	ck_assert_uint_eq(via.port, 0);
	ck_assert_ptr_null(str(&t.msg, via.branch));
	ck_assert_ptr_null(str(&t.msg, via.received));
	ck_assert_ptr_null(str(&t.msg, via.rport_param));
	text_free(&t);
}
END_TEST

START_TEST(ipv6_keeps_its_brackets)
{
	struct text t =
		text_new("SIP/2.0/UDP [2001:db8::9:1]:5062;rport;received=[2001:db8:::192.0.2.1]");
	struct sip_via via;

	ck_assert_int_eq(sip_via_parse(&t.msg, t.all, &via), 0);
	ck_assert_str_eq(str(&t.msg, via.host), "[2001:db8::9:1]");
	ck_assert_str_eq(str(&t.msg, via.sent_by), "[2001:db8::9:1]:5062");
	ck_assert_uint_eq(via.port, 5062);
	ck_assert_str_eq(str(&t.msg, via.rport_param), "rport");
	ck_assert_uint_eq(via.rport, 0);
	ck_assert_str_eq(str(&t.msg, via.received), "[2001:db8:::192.0.2.1]");
	text_free(&t);
}
END_TEST

START_TEST(lws_stands_around_separators)
{
	struct text t = text_new("SIP/2.0/UDP h : 5060 ; branch = z9hG4bK1 ;\r\n rport");
	struct sip_via via;

	ck_assert_int_eq(sip_via_parse(&t.msg, t.all, &via), 0);
	ck_assert_str_eq(str(&t.msg, via.branch), "z9hG4bK1");
	ck_assert_uint_eq(via.port, 5060);
	ck_assert_ptr_nonnull(str(&t.msg, via.rport_param));
	text_free(&t);
}
END_TEST

// A bound on the work that one value may make; the fast paths leave such values to the exact one.
START_TEST(parameters_of_one_value_are_128_at_most)
{
	static char value[1024] = "SIP/2.0/UDP h";
	struct sip_via via;
	struct text t;

	for (unsigned int i = 0; i < 128; i++)
		strcat(value, ";a");
	t = text_new(value);
	ck_assert_int_eq(sip_via_parse(&t.msg, t.all, &via), 0);
	text_free(&t);
	strcat(value, ";a");
	t = text_new(value);
	ck_assert_int_eq(sip_via_parse(&t.msg, t.all, &via), -EBADMSG);
	text_free(&t);
}
END_TEST

static const char *const malformed[] = {
	"",
	" ",
	"SIP",
	"SIP/2.0",
	"SIP/2.0/UDP",
	"SIP/2.0/UDP ",
	"SIP/2.0/UDPh",
	"SIP/2.0 UDP h",
	"/2.0/UDP h",
	"SIP//UDP h",
	"SIP/2.0/UDP h:",
	"SIP/2.0/UDP h:0",
	"SIP/2.0/UDP h:65536",
	"SIP/2.0/UDP h:4294972356",
	"SIP/2.0/UDP h:5060x",
	"SIP/2.0/UDP :5060",
	"SIP/2.0/UDP []",
	"SIP/2.0/UDP [::1",
	"SIP/2.0/UDP [::1;branch=x]",
	"SIP/2.0/UDP h;",
	"SIP/2.0/UDP h;;branch=x",
	"SIP/2.0/UDP h;branch",
	"SIP/2.0/UDP h;branch=",
	"SIP/2.0/UDP h;branch=\"x\"",
	"SIP/2.0/UDP h;branch=x;branch=y",
	"SIP/2.0/UDP h;branch=x y",
	"SIP/2.0/UDP h;received",
	"SIP/2.0/UDP h;received=",
	"SIP/2.0/UDP h;received=192.0.2.1;received=192.0.2.2",
	"SIP/2.0/UDP h;rport=;branch=x",
	"SIP/2.0/UDP h;rport=65536",
	"SIP/2.0/UDP h;rport=-1",
	"SIP/2.0/UDP h;rport;rport",
	"SIP/2.0/UDP h;ttl=256",
	"SIP/2.0/UDP h;ttl",
	"SIP/2.0/UDP h;ttl=",
	"SIP/2.0/UDP h;ttl=1;ttl=1",
	"SIP/2.0/UDP h;maddr",
	"SIP/2.0/UDP h;x=\"",
	"SIP/2.0/UDP h;x=\"\\",
	"SIP/2.0/UDP h;x=\"\\\"",
	"SIP/2.0/UDP h,SIP/2.0/UDP i",
	"SIP/2.0/UDP h i",
};

START_TEST(refuses_malformed)
{
	struct text t = text_new(malformed[_i]);
	struct sip_via via;

	ck_assert_msg(sip_via_parse(&t.msg, t.all, &via) == -EBADMSG, "%s", malformed[_i]);
	text_free(&t);
}
END_TEST

// What a request's first Via has more would be too many in its response, with received and rport.
// The one behind it has been received already.
static const struct {
	const char *start;
	int max;
} counted_vias[] = {
	{"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h", 126},
	{"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h, SIP/2.0/UDP i", 128},
	{"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h", 128},
};

START_TEST(a_request_leaves_room_for_two_parameters_in_its_via)
{
	for (int more = 0; more < 2; more++) {
		char s[2048] = "", params[512] = "", *at = s + SIP_PAD;
		struct sip_msg msg;
		int len;

		for (int i = 0; i < counted_vias[_i].max + more; i++)
			strcat(params, ";a");
		len = sprintf(at,
			"%s%s\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:b>\r\nCall-ID: 1\r\n"
			"CSeq: 1 OPTIONS\r\n\r\n",
			counted_vias[_i].start, params);
		ck_assert_int_eq(sip_parse(&msg, at, (size_t)len), more ? SIP_BAD_VIA : SIP_OK);
	}
}
END_TEST

static void add(TCase *tc)
{
	tcase_add_test(tc, takes_every_parameter);
	tcase_add_test(tc, absent_is_zero);
	tcase_add_test(tc, ipv6_keeps_its_brackets);
	tcase_add_test(tc, lws_stands_around_separators);
	tcase_add_test(tc, parameters_of_one_value_are_128_at_most);
	tcase_add_loop_test(tc, a_request_leaves_room_for_two_parameters_in_its_via, 0,
		sizeof(counted_vias) / sizeof(counted_vias[0]));
	tcase_add_loop_test(tc, refuses_malformed, 0, sizeof(malformed) / sizeof(malformed[0]));
}

int main(void)
{
	return run_suite("via", add);
}

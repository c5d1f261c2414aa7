// SPDX-License-Identifier: BSD-3-Clause
#include "tests/parser/text.h"

#include <errno.h>

START_TEST(takes_a_sip_uri_apart)
{
	struct text t =
		text_new("SIP:alice:pa%20ss@Example.COM:5080;transport=TCP;lr;maddr=[::1];ob"
			 "?Subject=x");
	struct sip_uri uri;

	ck_assert_int_eq(sip_uri_parse(&t.msg, t.all, &uri), 0);
	ck_assert(uri.is_sip && !uri.is_sips && uri.lr && uri.ob);
	ck_assert_uint_eq(uri.scheme.len, 3);
	ck_assert_str_eq(str(&t.msg, uri.user), "alice");
	ck_assert_str_eq(str(&t.msg, uri.host), "Example.COM");
	ck_assert_uint_eq(uri.port, 5080);
	ck_assert_int_eq(uri.transport, SIP_TCP);
	ck_assert_str_eq(str(&t.msg, uri.maddr), "[::1]");
	ck_assert_str_eq(str(&t.msg, uri.params), ";transport=TCP;lr;maddr=[::1];ob");
	text_free(&t);
}
END_TEST

START_TEST(a_user_may_look_like_anything)
{
	struct text t = text_new("sips:user;par=u%40h?x/y&z=$+,@[2001:db8::9]");
	struct sip_uri uri;

	ck_assert_int_eq(sip_uri_parse(&t.msg, t.all, &uri), 0);
	ck_assert(uri.is_sips && !uri.lr);
	ck_assert_str_eq(str(&t.msg, uri.user), "user;par=u%40h?x/y&z=$+,");
	ck_assert_str_eq(str(&t.msg, uri.host), "[2001:db8::9]");
	ck_assert_uint_eq(uri.port, 0);
	ck_assert_ptr_null(str(&t.msg, uri.params));
	text_free(&t);
}
END_TEST

START_TEST(absent_user_is_absent)
{
	struct text t = text_new("sip:192.0.2.1;lr=on");
	struct sip_uri uri;

	ck_assert_int_eq(sip_uri_parse(&t.msg, t.all, &uri), 0);
	ck_assert_ptr_null(str(&t.msg, uri.user));
	ck_assert_str_eq(str(&t.msg, uri.host), "192.0.2.1");
	ck_assert(uri.lr);
	ck_assert_int_eq(uri.transport, SIP_TRANSPORT_OTHER);
	text_free(&t);
}
END_TEST

START_TEST(other_schemes_have_only_a_scheme)
{
	struct text t = text_new("tel:+1-201-555-0123;phone-context=x");
	struct sip_uri uri;

	ck_assert_int_eq(sip_uri_parse(&t.msg, t.all, &uri), 0);
	ck_assert(!uri.is_sip && !uri.is_sips);
	ck_assert_uint_eq(uri.scheme.len, 3);
	ck_assert_ptr_null(str(&t.msg, uri.host));
	text_free(&t);
}
END_TEST

static const char *const malformed[] = {
	"",
	"sip",
	":x",
	"1sip:x",
	"sip:",
	"sips:",
	"tel:",
	"sip:@h",
	"sip::p@h",
	"sip:a@b@c",
	"sip:a@",
	"sip:a@:5060",
	"sip:h:",
	"sip:h:0",
	"sip:h:65536",
	"sip:h:5060x",
	"sip:h:4294967296",
	"sip:[::1",
	"sip:[]",
	"sip:h;",
	"sip:h;;lr",
	"sip:h;=x",
	"sip:h;transport=udp;transport=tcp",
	"sip:h;transport",
	"sip:h;maddr=a;maddr=b",
	"sip:h;maddr=",
	"sip:h h",
	"sip:h<",
};

START_TEST(refuses_malformed)
{
	struct text t = text_new(malformed[_i]);
	struct sip_uri uri;

	ck_assert_msg(sip_uri_parse(&t.msg, t.all, &uri) == -EBADMSG, "%s", malformed[_i]);
	text_free(&t);
}
END_TEST

static void add(TCase *tc)
{
	tcase_add_test(tc, takes_a_sip_uri_apart);
	tcase_add_test(tc, a_user_may_look_like_anything);
	tcase_add_test(tc, absent_user_is_absent);
	tcase_add_test(tc, other_schemes_have_only_a_scheme);
	tcase_add_loop_test(tc, refuses_malformed, 0, sizeof(malformed) / sizeof(malformed[0]));
}

int main(void)
{
	return run_suite("uri", add);
}

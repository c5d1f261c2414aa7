// SPDX-License-Identifier: BSD-3-Clause
// What is asked of a message after sip_parse(): values, header fields, parameters.
#include "tests/parser/text.h"

#define HEAD                                                                          \
	"OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n" \
	"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n"

static struct text parsed(const char *s)
{
	struct text t = text_new(s);

	ck_assert_int_eq(sip_parse(&t.msg, t.guarded.buf, t.guarded.len), SIP_OK);
	return t;
}

// All values of a kind as "1:value|0:value!", where 1 is the first of its header field, '.' the
// last of it, '!' a bad end.
static const char *walk(const struct sip_msg *msg, enum sip_hdr id)
{
	static char out[1024];
	struct sip_iter it = {.pos = 0};
	struct sip_slice value;
	size_t n = 0;
	bool bad;

	out[0] = '\0';
	while (sip_next_value(msg, id, &it, &value, &bad))
		n += (size_t)sprintf(out + n, "%u.%u%s%.*s%s|", it.hdr, it.first,
			it.first ? ":" : "+", value.len, msg->buf + value.off, it.last ? "." : "");
	if (bad)
		sprintf(out + n, "!");
	return out;
}

static const struct {
	const char *fields;
	enum sip_hdr id;
	const char *values;
} lists[] = {
	{"", SIP_HDR_CONTACT, ""},
	{"Contact: <sip:a>\r\n", SIP_HDR_CONTACT, "5.1:<sip:a>.|"},
	{"m: <sip:a,b> , \"x, \\\",y\" <sip:c>;a=\"1,2\"\r\n ,sip:d\r\nContact: *\r\n",
		SIP_HDR_CONTACT,
		"5.1:<sip:a,b>|5.0+\"x, \\\",y\" <sip:c>;a=\"1,2\"|5.0+sip:d.|6.1:*.|"},
	{"Route: <sip:a;lr>\r\nX: y\r\nROUTE :<sip:b>,<sip:c>\r\n", SIP_HDR_ROUTE,
		"5.1:<sip:a;lr>.|7.1:<sip:b>|7.0+<sip:c>.|"},
	{"v: SIP/2.0/TCP i , SIP/2.0/UDP j\r\n", SIP_HDR_VIA,
		"0.1:SIP/2.0/UDP h;branch=z9hG4bK1.|5.1:SIP/2.0/TCP i|5.0+SIP/2.0/UDP j.|"},
	{"Supported: \r\nk: a, b\r\nSupported:\r\n", SIP_HDR_SUPPORTED, "6.1:a|6.0+b.|"},
	{"Require:\r\n", SIP_HDR_REQUIRE, "!"},
	{"Require: a,\r\n", SIP_HDR_REQUIRE, "5.1:a|!"},
	{"Require: ,a\r\n", SIP_HDR_REQUIRE, "!"},
	{"Require: a,,b\r\n", SIP_HDR_REQUIRE, "5.1:a|!"},
	{"Contact: <sip:a\r\n", SIP_HDR_CONTACT, "!"},
	{"Contact: \"x <sip:a>\r\n", SIP_HDR_CONTACT, "!"},
	{"Contact: \"x\\\" <sip:a>\r\n", SIP_HDR_CONTACT, "!"},
	{"Contact: sip:a(b,sip:c\r\n", SIP_HDR_CONTACT, "5.1:sip:a(b|5.0+sip:c.|"},
	{"Retry-After: 5 (a, \\) b (c,d))\r\n", SIP_HDR_RETRY_AFTER, "5.1:5 (a, \\) b (c,d)).|"},
	{"Retry-After: 5 (a\r\n", SIP_HDR_RETRY_AFTER, "!"},
};

START_TEST(walks_the_values_of_a_kind)
{
	char s[2048] = HEAD;
	struct text t;

	strcat(s, lists[_i].fields);
	strcat(s, "\r\n");
	t = parsed(s);
	ck_assert_str_eq(walk(&t.msg, lists[_i].id), lists[_i].values);
	text_free(&t);
}
END_TEST

START_TEST(names_and_values_are_as_written)
{
	struct text t =
		parsed(HEAD "suBject \t:  a \r\n\tb  \r\nX-Empty:\r\nX-Blank: \r\n \r\n\r\n");

	ck_assert_int_eq(t.msg.nb_hdrs, 8);
	ck_assert_str_eq(str(&t.msg, sip_hdr_name(&t.msg, 5)), "suBject");
	ck_assert_str_eq(str(&t.msg, sip_hdr_value(&t.msg, 5)), "a \r\n\tb");
	ck_assert_str_eq(str(&t.msg, sip_hdr_name(&t.msg, 6)), "X-Empty");
	ck_assert_str_eq(str(&t.msg, sip_hdr_value(&t.msg, 6)), "");
	ck_assert_str_eq(str(&t.msg, sip_hdr_value(&t.msg, 7)), "");
	ck_assert_uint_gt(sip_hdr_value(&t.msg, 6).off, 0);
	text_free(&t);
}
END_TEST

START_TEST(finds_the_first_of_a_kind)
{
	struct text t = parsed(HEAD "Route: <sip:a>\r\nRoute: <sip:b>\r\n\r\n");

	ck_assert_int_eq(sip_find_hdr(&t.msg, SIP_HDR_ROUTE), 5);
	ck_assert_int_eq(sip_find_hdr(&t.msg, SIP_HDR_VIA), 0);
	ck_assert_int_eq(sip_find_hdr(&t.msg, SIP_HDR_PATH), -1);
	ck_assert(sip_has(&t.msg, SIP_HDR_ROUTE) && !sip_has(&t.msg, SIP_HDR_PATH));
	text_free(&t);
}
END_TEST

START_TEST(finds_parameters_in_any_case)
{
	struct text t = text_new(";a=1; LR ;b=\"x;c=2\" ; d = e;a=3;[x]=:/");
	struct sip_slice value;

	ck_assert(sip_param_find(&t.msg, t.all, STRV("A"), &value));
	ck_assert_str_eq(str(&t.msg, value), "1");
	ck_assert(sip_param_find(&t.msg, t.all, STRV("lr"), &value));
	ck_assert_ptr_null(str(&t.msg, value));
	ck_assert(!sip_param_find(&t.msg, t.all, STRV("c"), &value));
	ck_assert(sip_param_find(&t.msg, t.all, STRV("d"), &value));
	ck_assert_str_eq(str(&t.msg, value), "e");
	ck_assert(sip_param_find(&t.msg, t.all, STRV("[x]"), &value));
	ck_assert(!sip_param_find(&t.msg, t.all, STRV("l"), &value));
	ck_assert(!sip_param_find(&t.msg, (struct sip_slice){0, 0}, STRV("a"), &value));
	text_free(&t);
}
END_TEST

static const struct {
	const char *field;
	int64_t seconds;
} expires[] = {
	{"", -1},
	{"Expires: 3600\r\n", 3600},
	{"Expires: 0\r\n", 0},
	{"Expires: 4294967295\r\n", 4294967295},
	{"Expires: 4294967296\r\n", -1},
	{"Expires: -1\r\n", -1},
	{"Expires:\r\n", -1},
	{"Expires: 60 s\r\n", -1},
	{"Expires: Thu, 01 Dec 1994 16:00:00 GMT\r\n", -1},
};

START_TEST(expires_is_a_number_of_seconds)
{
	char s[1024] = HEAD;
	struct text t;

	strcat(s, expires[_i].field);
	strcat(s, "\r\n");
	t = parsed(s);
	ck_assert_int_eq(sip_expires(&t.msg), expires[_i].seconds);
	text_free(&t);
}
END_TEST

static void add(TCase *tc)
{
	tcase_add_loop_test(tc, walks_the_values_of_a_kind, 0, sizeof(lists) / sizeof(lists[0]));
	tcase_add_test(tc, names_and_values_are_as_written);
	tcase_add_test(tc, finds_the_first_of_a_kind);
	tcase_add_test(tc, finds_parameters_in_any_case);
	tcase_add_loop_test(
		tc, expires_is_a_number_of_seconds, 0, sizeof(expires) / sizeof(expires[0]));
}

int main(void)
{
	return run_suite("value", add);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "tests/parser/text.h"

#include <errno.h>

static const struct {
	const char *value;
	const char *uri;
	const char *params;
	bool brackets;
} good[] = {
	{"<sip:a@b>", "sip:a@b", NULL, true},
	{"<sip:a@b;lr>;x=y", "sip:a@b;lr", ";x=y", true},
	{"\"A, <B> \\\" C\" <sip:a@b>;tag=1", "sip:a@b", ";tag=1", true},
	{"\"\"<sip:a@b>", "sip:a@b", NULL, true},
	{"Alice B. <sip:a@b> ; x ; y = \"1;2\"", "sip:a@b", "; x ; y = \"1;2\"", true},
	{"J\xc3\xb6rg <sip:a@b>", "sip:a@b", NULL, true},
	{"caller<sip:a@b>", "sip:a@b", NULL, true},
	{"<sip:a,b@c?x=y>", "sip:a,b@c?x=y", NULL, true},
	{"sip:a@b", "sip:a@b", NULL, false},
	{"sip:a@b;tag=1;x", "sip:a@b", ";tag=1;x", false},
	{"sip:a@b \r\n ;tag=1", "sip:a@b", ";tag=1", false},
	{"isbn:2983792873", "isbn:2983792873", NULL, false},
};

START_TEST(takes_addresses_apart)
{
	// One octet in front: offset 0 stands for absent.
	char s[256] = " ";
	struct text t;
	struct sip_name_addr addr;

	strcat(s, good[_i].value);
	t = text_new(s);
	t.all.off = 1;
	t.all.len--;
	ck_assert_int_eq(sip_name_addr_parse(&t.msg, t.all, &addr), 0);
	ck_assert_str_eq(str(&t.msg, addr.uri), good[_i].uri);
	ck_assert_pstr_eq(str(&t.msg, addr.params), good[_i].params);
	ck_assert_int_eq(addr.brackets, good[_i].brackets);
	ck_assert_str_eq(str(&t.msg, addr.value), good[_i].value);
	ck_assert(!addr.star);
	text_free(&t);
}
END_TEST

START_TEST(a_star_is_a_star)
{
	struct text t = text_new("*");
	struct sip_name_addr addr;

	ck_assert_int_eq(sip_name_addr_parse(&t.msg, t.all, &addr), 0);
	ck_assert(addr.star);
	text_free(&t);
}
END_TEST

static const char *const malformed[] = {
	"",
	"<",
	"<>",
	"<sip:a@b",
	"sip:a@b>",
	"<sip:a b>",
	"< sip:a@b>",
	"<sip:a@b >",
	"<sip:a\"@b>",
	"<<sip:a@b>>",
	"<sip:a@b>x",
	"<sip:a@b>,<sip:c@d>",
	"\"A <sip:a@b>",
	"\"A\\\" <sip:a@b>",
	"\"A\" B <sip:a@b>",
	"\"A\"",
	"A \"B\" <sip:a@b>",
	"A, B <sip:a@b>",
	"A; B <sip:a@b>",
	"a@b",
	":a",
	"sip:",
	"sip:a b",
	"sip:a?x=y",
	"sip:a,sip:b",
	"<sip:a@b>;",
	"<sip:a@b>;;x",
	"<sip:a@b>;=x",
	"<sip:a@b>;x=",
	"<sip:a@b>;x=\"y",
	"<sip:a@b>;x=<y>",
	"* *",
	"*;q=1",
};

START_TEST(refuses_malformed)
{
	struct text t = text_new(malformed[_i]);
	struct sip_name_addr addr;

	ck_assert_msg(sip_name_addr_parse(&t.msg, t.all, &addr) == -EBADMSG, "%s", malformed[_i]);
	text_free(&t);
}
END_TEST

static void add(TCase *tc)
{
	tcase_add_loop_test(tc, takes_addresses_apart, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_test(tc, a_star_is_a_star);
	tcase_add_loop_test(tc, refuses_malformed, 0, sizeof(malformed) / sizeof(malformed[0]));
}

int main(void)
{
	return run_suite("name_addr", add);
}

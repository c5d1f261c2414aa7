// SPDX-License-Identifier: BSD-3-Clause
#include "tests/config/value_samples.h"

static const struct sample samples[] = {
	{SCHEMA_BOOL, "true", "1"},
	{SCHEMA_BOOL, "false", "0"},
	{SCHEMA_BOOL, "on", NULL},
	{SCHEMA_BOOL, "", NULL},
	{SCHEMA_KEY_ID, "a", "97"},
	{SCHEMA_KEY_ID, "z", "122"},
	{SCHEMA_KEY_ID, "A", NULL},
	{SCHEMA_KEY_ID, "", NULL},
	{SCHEMA_NAME, "0", "\"0\""},
	{SCHEMA_NAME, "a.b_c-d", "\"a.b_c-d\""},
	{SCHEMA_NAME, ".a", NULL},
	{SCHEMA_NAME, "a/b", NULL},
	{SCHEMA_NAME, "\xc3\xa9", NULL},
	{SCHEMA_STRING, "a \"b\" \\ c", "\"a \\\"b\\\" \\\\ c\""},
	{SCHEMA_STRING, "\xc3\xa9t\xc3\xa9", "\"\xc3\xa9t\xc3\xa9\""},
	{SCHEMA_STRING, "a\tb", NULL},
	{SCHEMA_STRING, "a\x7f", NULL},
	{SCHEMA_STRING, "a ", NULL},
	{SCHEMA_PATH, "/", "\"/\""},
	{SCHEMA_PATH, "~/x", NULL},
	{SCHEMA_IFNAME, "eth0.100", "\"eth0.100\""},
	{SCHEMA_IFNAME, "AZaz09", "\"AZaz09\""},
	{SCHEMA_IFNAME, ".", NULL},
	{SCHEMA_IFNAME, "..", NULL},
	{SCHEMA_IFNAME, "a:b", NULL},
	{SCHEMA_SIP_URI, "sip:a", "\"sip:a\""},
	{SCHEMA_SIP_URI, "sips:a@b;x=y", "\"sips:a@b;x=y\""},
	{SCHEMA_SIP_URI, "sips:", NULL},
	{SCHEMA_SIP_URI, "SIP:a@b", NULL},
	{SCHEMA_SIP_URI, "sip:a b", NULL},
	{SCHEMA_SIP_URI, "sip:a@b?X=y", NULL},
};

START_TEST(values_are_normalized_or_refused_with_a_reason)
{
	check_sample(&samples[_i]);
}
END_TEST

START_TEST(a_nul_octet_is_never_accepted)
{
	static const char *const texts[] = {"1", "1s", "true", "a", "/a", "1.2.3.4", "10.0.0.0/8",
		"127.0.0.1:1", "unix:/a", "sip:a@b"};

	for (size_t kind = 0; kind < sizeof(types) / sizeof(types[0]); kind++) {
		for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
			struct strbuf out = {0}, why = {0};
			// The literal's own NUL is part of the value.
			struct text in = guarded(texts[t], strlen(texts[t]) + 1);

			ck_assert_int_eq(value_normalize(&types[kind], in, &out, &why), -EINVAL);
			strbuf_fini(&out);
			strbuf_fini(&why);
		}
	}
}
END_TEST

START_TEST(every_kind_takes_every_octet)
{
	for (size_t kind = 0; kind < sizeof(types) / sizeof(types[0]); kind++) {
		for (int octet = 0; octet < 256; octet++) {
			struct strbuf out = {0}, why = {0};
			char octets[] = {(char)octet, (char)octet};
			struct text in = guarded(octets, (size_t)(octet % 3));

			value_normalize(&types[kind], in, &out, &why);
			munmap((char *)((uintptr_t)in.ptr / 4096 * 4096), 4096);
			strbuf_fini(&out);
			strbuf_fini(&why);
		}
	}
}
END_TEST

START_TEST(quotes_what_a_terminal_must_not_see)
{
	struct strbuf out = {0};

	value_quote((struct text){"a\x1b[31m\0\xff", 8}, &out);
	ck_assert_str_eq(strbuf_text(&out), "\"a\\x1b[31m\\x00\\xff\"");
	strbuf_truncate(&out, 0);
	value_quote((struct text){"0123456789012345678901234567890123456789012345678", 49}, &out);
	ck_assert_str_eq(
		strbuf_text(&out), "\"012345678901234567890123456789012345678901234567...\"");
	strbuf_fini(&out);
}
END_TEST

static const char *next_word(void *cursor)
{
	const char *const **word = cursor;

	return *(*word)++;
}

struct guess {
	const char *in;
	const char *meant; // NULL: no suggestion
};

static const struct guess guesses[] = {
	{"interval", "interval"},
	{"intervall", "interval"},
	{"intreval", "interval"},
	{"inteval", "interval"},
	{"time_out", "timeout"},
	{"tiemout", "timeout"},
	{"fal", "fall"},
	{"raise", "rise"},
	{"x", NULL},
	{"", NULL},
	{"completely_different", NULL},
	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL},
};

START_TEST(suggests_what_was_meant)
{
	static const char *const words[] = {"interval", "timeout", "rise", "fall", NULL};
	const char *const *cursor = words;
	const char *meant = value_suggest(
		(struct text){guesses[_i].in, strlen(guesses[_i].in)}, next_word, &cursor);

	if (guesses[_i].meant == NULL)
		ck_assert_ptr_null(meant);
	else
		ck_assert_str_eq(meant, guesses[_i].meant);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_loop_test(tc, values_are_normalized_or_refused_with_a_reason, 0, NB(samples));
	tcase_add_test(tc, a_nul_octet_is_never_accepted);
	tcase_add_test(tc, every_kind_takes_every_octet);
	tcase_add_test(tc, quotes_what_a_terminal_must_not_see);
	tcase_add_loop_test(tc, suggests_what_was_meant, 0, NB(guesses));
}

int main(void)
{
	return run_suite("value", add_tests);
}

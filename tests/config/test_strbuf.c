// SPDX-License-Identifier: BSD-3-Clause
#include "tests/config/support.h"

START_TEST(an_empty_one_is_an_empty_string)
{
	struct strbuf sb = {0};

	ck_assert_str_eq(strbuf_text(&sb), "");
	strbuf_truncate(&sb, 0);
	strbuf_add(&sb, "", 0);
	ck_assert_str_eq(strbuf_text(&sb), "");
	strbuf_fini(&sb);
	strbuf_fini(&sb);
}
END_TEST

START_TEST(grows_and_stays_terminated)
{
	struct strbuf sb = {0};

	for (size_t i = 0; i < 5000; i++) {
		ck_assert_uint_eq(sb.len, i);
		strbuf_puts(&sb, "x");
		ck_assert_int_eq(sb.data[sb.len], '\0');
	}
	strbuf_printf(&sb, "%0*d", 3000, 7);
	ck_assert_uint_eq(sb.len, 8000);
	ck_assert_uint_eq(strlen(strbuf_text(&sb)), 8000);
	strbuf_truncate(&sb, 2);
	ck_assert_str_eq(strbuf_text(&sb), "xx");
	strbuf_fini(&sb);
}
END_TEST

START_TEST(keeps_nul_octets)
{
	struct strbuf sb = {0};

	strbuf_add(&sb, "a\0b", 3);
	ck_assert_uint_eq(sb.len, 3);
	ck_assert_mem_eq(sb.data, "a\0b", 4);
	strbuf_fini(&sb);
}
END_TEST

START_TEST(after_a_failure_nothing_happens)
{
	struct strbuf sb = {0};

	strbuf_puts(&sb, "a");
	sb.failed = true;
	strbuf_puts(&sb, "b");
	strbuf_printf(&sb, "%d", 1);
	ck_assert_uint_eq(sb.len, 1);
	ck_assert_str_eq(strbuf_text(&sb), "");
	strbuf_fini(&sb);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, an_empty_one_is_an_empty_string);
	tcase_add_test(tc, grows_and_stays_terminated);
	tcase_add_test(tc, keeps_nul_octets);
	tcase_add_test(tc, after_a_failure_nothing_happens);
}

int main(void)
{
	return run_suite("strbuf", add_tests);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "tests/config/support.h"

#include "config/normalize.h"

static struct config_errors errs;
static struct document doc;
static struct normalized result;

static void run(const char *text)
{
	ck_assert_int_eq(document_init(&doc, "t", (struct text){text, strlen(text)}, &errs), 0);
	ck_assert_int_eq(normalize(&doc, &result), 0);
}

static void teardown(void)
{
	normalized_fini(&result);
	document_fini(&doc);
	config_errors_fini(&errs);
}

static const char *const start = "schema: 1\n"
				 "node: {name: lb1}\n"
				 "dataplane:\n"
				 "  workers: 1\n"
				 "  ports: [{name: wan0, device: net_null0}]\n"
				 "services:\n"
				 "  - name: access\n"
				 "    listen: [{address: 192.0.2.10}]\n"
				 "    backends:\n";

static void run_with(const char *backends)
{
	struct strbuf text = {0};

	strbuf_puts(&text, start);
	strbuf_puts(&text, backends);
	run(strbuf_text(&text));
	strbuf_fini(&text);
}

static void assert_has(const char *part)
{
	ck_assert_msg(strstr(strbuf_text(&result.text), part) != NULL, "no %s in %s", part,
		strbuf_text(&result.text));
}

START_TEST(defaults_are_written_out)
{
	run_with("      - {name: b, address: 10.0.0.1}\n");
	ck_assert_uint_eq(errs.nb_items, 0);
	assert_has("node: {name: \"lb1\", cluster: \"default\"}");
	assert_has("reassembly: {timeout: 2000, flows: 16384, max_fragments: 8, per_source: 64}");
	assert_has("name: \"b\", address: {family: 4, ip: [10,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0]}, "
		   "port: 5060, weight: 100, state: 0, health_check: {method: 0, interval: 5000, ");
	assert_has("registrations: {max: 1000000}");
}
END_TEST

START_TEST(sections_that_are_off_and_templates_are_left_out)
{
	run_with("      - {name: b, address: 10.0.0.1}\n");
	ck_assert_ptr_null(strstr(strbuf_text(&result.text), "redis"));
	ck_assert_ptr_null(strstr(strbuf_text(&result.text), "cluster_keys"));
	ck_assert_ptr_null(strstr(strbuf_text(&result.text), "defaults"));
}
END_TEST

START_TEST(a_wrong_value_is_left_out_and_items_keep_their_numbers)
{
	run_with("      - b\n"
		 "      - {name: B, address: 10.0.0.1, weight: 7}\n"
		 "      - {name: c, address: 300.0.0.1, weight: 8}\n");
	ck_assert_uint_eq(errs.nb_items, 3);
	assert_has("backends: [{}, {address: ");
	assert_has("weight: 7");
	assert_has(", {name: \"c\", port: 5060, weight: 8, ");
}
END_TEST

START_TEST(an_inherited_error_is_reported_where_it_stands)
{
	run_with("      - {name: b, address: 10.0.0.1}\n"
		 "      - {name: c, address: 10.0.0.2}\n"
		 "defaults: {health_check: {interval: 5}}\n");
	ck_assert_uint_eq(errs.nb_items, 1);
	ck_assert_str_eq(errs.items[0].path, "defaults.health_check.interval");
}
END_TEST

START_TEST(restart_keys_are_listed)
{
	run_with("      - {name: b, address: 10.0.0.1}\n");
	ck_assert_str_eq(result.restart_keys[0].path, "node.name");
	ck_assert_str_eq(result.restart_keys[0].text, "lb1");
	ck_assert_str_eq(result.restart_keys[0].value, "\"lb1\"");
	for (uint32_t i = 0; i < result.nb_restart_keys; i++)
		ck_assert_ptr_null(strstr(result.restart_keys[i].path, "services"));
}
END_TEST

START_TEST(a_file_that_is_no_mapping_leaves_nothing)
{
	run("[1, 2]");
	ck_assert_uint_eq(errs.nb_items, 1);
	ck_assert_uint_eq(result.text.len, 0);
}
END_TEST

START_TEST(keys_may_be_anything_but_must_be_known)
{
	run("? [a, b]\n: 1\n? {c: d}\n: 2\n? \"e\\0f\"\n: 3\n? \"schema\"\n: 1\n");
	ck_assert_str_eq(errs.items[0].message, "found a key that is not a scalar, allowed: words");
	ck_assert_uint_eq(errs.nb_items, 6); // two keys, one unknown, three missing
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, defaults_are_written_out);
	tcase_add_test(tc, sections_that_are_off_and_templates_are_left_out);
	tcase_add_test(tc, a_wrong_value_is_left_out_and_items_keep_their_numbers);
	tcase_add_test(tc, an_inherited_error_is_reported_where_it_stands);
	tcase_add_test(tc, restart_keys_are_listed);
	tcase_add_test(tc, a_file_that_is_no_mapping_leaves_nothing);
	tcase_add_test(tc, keys_may_be_anything_but_must_be_known);
}

int main(void)
{
	return run_suite("normalize", add_tests);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "tests/config/support.h"

#include "config/schema.h"

START_TEST(the_reference_is_in_the_documentation)
{
	char *doc = read_text(SOURCE_DIR "/docs/configuration.md");
	struct strbuf reference = {0};
	char *rest, *line;

	schema_print_markdown(&reference);
	rest = reference.data;
	// Line by line, so that a failure shows what is missing.
	while ((line = strsep(&rest, "\n")) != NULL)
		ck_assert_msg(strstr(doc, line) != NULL, "docs/configuration.md lacks: %s", line);
	strbuf_fini(&reference);
	schema_print_markdown(&reference);
	strbuf_truncate(&reference, reference.len - 1);
	ck_assert_msg(strstr(doc, strbuf_text(&reference)) != NULL, "in another order");
	strbuf_fini(&reference);
	free(doc);
}
END_TEST

static void assert_in_example(const struct schema_type *mapping, const char *example)
{
	for (const struct schema_key *key = mapping->keys; key->name != NULL; key++) {
		const struct schema_type *type = &key->type;
		char text[64];

		if (type->kind == SCHEMA_RESERVED)
			continue;
		snprintf(text, sizeof(text), "%s:", key->name);
		ck_assert_msg(strstr(example, text) != NULL, "no %s in the example", key->name);
		if (type->kind == SCHEMA_SEQUENCE)
			type = type->item;
		if (type->kind == SCHEMA_MAPPING)
			assert_in_example(type, example);
	}
}

START_TEST(every_key_is_in_the_example)
{
	char *example = read_text(SOURCE_DIR "/config/sipshunt.example.yaml");

	assert_in_example(&schema_root, example);
	free(example);
}
END_TEST

struct number {
	enum schema_kind kind;
	uint64_t value;
	const char *text;
};

static const struct number numbers[] = {
	{SCHEMA_DURATION, 0, "0s"},
	{SCHEMA_DURATION, 1, "1ms"},
	{SCHEMA_DURATION, 1000, "1s"},
	{SCHEMA_DURATION, 1500, "1500ms"},
	{SCHEMA_DURATION, 90000, "90s"},
	{SCHEMA_DURATION, 172800000, "2d"},
	{SCHEMA_SIZE, 65535, "65535B"},
	{SCHEMA_SIZE, 1 << 20, "1MiB"},
	{SCHEMA_RATE, 200, "200/s"},
	{SCHEMA_PERCENT, 0, "0%"},
	{SCHEMA_UINT, UINT64_MAX, "18446744073709551615"},
};

START_TEST(formats_with_the_largest_exact_unit)
{
	struct strbuf text = {0};

	schema_format_number(numbers[_i].kind, numbers[_i].value, &text);
	ck_assert_str_eq(strbuf_text(&text), numbers[_i].text);
	strbuf_fini(&text);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, the_reference_is_in_the_documentation);
	tcase_add_test(tc, every_key_is_in_the_example);
	tcase_add_loop_test(tc, formats_with_the_largest_exact_unit, 0, NB(numbers));
}

int main(void)
{
	return run_suite("describe", add_tests);
}

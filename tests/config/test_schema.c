// SPDX-License-Identifier: BSD-3-Clause
#include "tests/config/support.h"

#include "config/schema.h"
#include "config/value.h"

static bool is_number(enum schema_kind kind)
{
	return kind <= SCHEMA_PERCENT;
}

static void check_key(const struct schema_key *key)
{
	const struct schema_type *type = &key->type;
	struct text fallback = {key->fallback, key->fallback != NULL ? strlen(key->fallback) : 0};
	struct strbuf out = {0}, why = {0};

	ck_assert_msg(value_is_name((struct text){key->name, strlen(key->name)}) &&
			strpbrk(key->name, ".[-") == NULL,
		"%s cannot stand in a path", key->name);
	ck_assert_msg(key->help != NULL && key->help[strlen(key->help) - 1] == '.', "%s: help",
		key->name);
	ck_assert_msg(!(key->flags & SCHEMA_REQUIRED) || key->fallback == NULL,
		"%s is required and has a default", key->name);
	if (key->fallback != NULL)
		ck_assert_msg(value_normalize(type, fallback, &out, &why) == 0, "%s: default %s",
			key->name, strbuf_text(&why));
	ck_assert_msg(type->min <= type->max, "%s: range", key->name);
	// A value within the range must fit into its member.
	if (is_number(type->kind) && type->size < 8)
		ck_assert_msg(type->max >> (8 * type->size) == 0, "%s: size", key->name);
	if (type->kind == SCHEMA_BOOL)
		ck_assert_uint_eq(type->size, sizeof(bool));
	if (type->kind == SCHEMA_ENUM)
		ck_assert_uint_eq(type->size, sizeof(int));
	if (type->kind == SCHEMA_ADDR)
		ck_assert_uint_eq(type->size, sizeof(struct config_addr));
	strbuf_fini(&out);
	strbuf_fini(&why);
}

static void check_mapping(const struct schema_type *mapping)
{
	for (const struct schema_key *key = mapping->keys; key->name != NULL; key++) {
		const struct schema_type *type = &key->type;

		check_key(key);
		ck_assert_int_lt(key - mapping->keys, SCHEMA_KEYS_MAX);
		for (const struct schema_key *other = mapping->keys; other < key; other++)
			ck_assert_str_ne(other->name, key->name);
		if (type->kind == SCHEMA_SEQUENCE) {
			ck_assert_uint_eq(type->size, type->item->size);
			ck_assert_uint_ne(key->count_offset, key->offset);
			type = type->item;
		}
		if (type->kind == SCHEMA_MAPPING)
			check_mapping(type);
	}
}

START_TEST(the_schema_is_consistent)
{
	check_mapping(&schema_root);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, the_schema_is_consistent);
}

int main(void)
{
	return run_suite("schema", add_tests);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "control/table_key.h"

#include "tests/control/suite.h"

#include <string.h>

static struct config_key keys[2] = {
	{.id = 'a', .secret = {1, 2, 3}}, {.id = 'b', .secret = {4, 5, 6}}};
static struct config config;

static void setup(void)
{
	config = (struct config){.node.cluster = "lab", .has_keys = true};
	config.cluster_keys.primary = 'a';
	config.cluster_keys.keys = keys;
	config.cluster_keys.nb_keys = 2;
}

START_TEST(which_key_signs_does_not_matter)
{
	uint8_t before[16], after[16];

	table_key_from_config(&config, before);
	config.cluster_keys.primary = 'b';
	table_key_from_config(&config, after);
	ck_assert_mem_eq(before, after, 16);
}
END_TEST

START_TEST(a_table_file_outlives_the_signing_keys)
{
	uint8_t before[16], after[16];

	config.cluster_keys.table_file = "/table";
	memset(config.cluster_keys.table_secret, 9, CONFIG_KEY_SIZE);
	table_key_from_config(&config, before);
	// Key a is gone.
	config.cluster_keys.keys = &keys[1];
	config.cluster_keys.nb_keys = 1;
	table_key_from_config(&config, after);
	ck_assert_mem_eq(before, after, 16);
	// Without it the tables would have followed.
	config.cluster_keys.table_file = NULL;
	table_key_from_config(&config, after);
	ck_assert_mem_ne(before, after, 16);
}
END_TEST

START_TEST(clusters_differ)
{
	uint8_t before[16], after[16];

	table_key_from_config(&config, before);
	config.node.cluster = "other";
	table_key_from_config(&config, after);
	ck_assert_mem_ne(before, after, 16);
	ck_assert_mem_ne(after, after + 8, 8);
}
END_TEST

START_TEST(without_keys_it_is_that_of_zeros)
{
	static const uint8_t zeros[CONFIG_KEY_SIZE];
	uint8_t key[16], same[16];

	config.has_keys = false;
	table_key_from_config(&config, key);
	table_key_make(zeros, "lab", same);
	ck_assert_mem_eq(key, same, 16);
	ck_assert_ptr_null(table_key_secret(&config));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("table_key");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, which_key_signs_does_not_matter);
	tcase_add_test(tc, a_table_file_outlives_the_signing_keys);
	tcase_add_test(tc, clusters_differ);
	tcase_add_test(tc, without_keys_it_is_that_of_zeros);
	return suite_run(tc);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "tests/config/support.h"

#include "config/mapping.h"

#include <errno.h>

static struct config_mapping *mapping;

static void setup(void)
{
	mapping = mapping_create();
	ck_assert_ptr_nonnull(mapping);
}

static void teardown(void)
{
	mapping_destroy(mapping);
}

static struct config *load(const char *text)
{
	struct strbuf sb = {0};
	struct config *config = NULL;

	strbuf_puts(&sb, text);
	ck_assert_int_eq(mapping_load(mapping, &sb, &config), 0);
	strbuf_fini(&sb);
	return config;
}

START_TEST(what_is_absent_is_zero)
{
	struct config *config = load("{schema: 1}");

	ck_assert_uint_eq(config->schema, 1);
	ck_assert_ptr_null(config->node.name);
	ck_assert_ptr_null(config->services);
	ck_assert_uint_eq(config->nb_services, 0);
	mapping_free(mapping, config);
}
END_TEST

START_TEST(the_largest_values_fit)
{
	struct config *config = load(
		"{dataplane: {memory: 18446744073709551615, workers: [65535]},"
		" registrations: {max: 4294967295},"
		" services: [{record_route: 1, panic_threshold: 255, limits: {source_rate: "
		"4294967295},"
		"  backends: [{port: 65535, weight: 65535, health_check: {expect: [{first: 65535, "
		"last: 1}]}}]}, {}]}");

	ck_assert_uint_eq(config->dataplane.memory_bytes, UINT64_MAX);
	ck_assert_uint_eq(config->dataplane.workers[0], UINT16_MAX);
	ck_assert_uint_eq(config->registrations.max, UINT32_MAX);
	ck_assert_uint_eq(config->nb_services, 2);
	ck_assert(config->services[0].record_route);
	ck_assert_uint_eq(config->services[0].panic_threshold_percent, UINT8_MAX);
	ck_assert_uint_eq(config->services[0].limits.source_rate, UINT32_MAX);
	ck_assert_uint_eq(config->services[0].backends[0].port, UINT16_MAX);
	ck_assert_uint_eq(config->services[0].backends[0].health_check.expect[0].last, 1);
	ck_assert_uint_eq(config->services[1].nb_backends, 0);
	mapping_free(mapping, config);
}
END_TEST

START_TEST(an_empty_item_is_zero)
{
	static const struct config_prefix zero;
	struct config *config = load("{dataplane: {ports: [{addresses: [{}, {addr: {family: 4, ip: "
				     "[1,2,3,4,0,0,0,0,0,0,0,0,0,0,0,16]}, length: 9}]}]}}");
	const struct config_prefix *addresses = config->dataplane.ports[0].addresses;

	ck_assert_mem_eq(&addresses[0], &zero, sizeof(zero));
	ck_assert_uint_eq(addresses[1].addr.ip[15], 16);
	ck_assert_uint_eq(addresses[1].length, 9);
	mapping_free(mapping, config);
}
END_TEST

START_TEST(text_that_is_not_normal_is_refused)
{
	static const char *const texts[] = {"", "[]", "{x: 1}", "{schema: 4294967296}",
		"{schema: -1}", "{schema: [1]}", "{services: {}}", "{schema: *a}"};
	struct strbuf sb = {0};
	struct config *config = NULL;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		strbuf_truncate(&sb, 0);
		strbuf_puts(&sb, texts[i]);
		ck_assert_int_eq(mapping_load(mapping, &sb, &config), -EPROTO);
		ck_assert_ptr_null(config);
	}
	strbuf_fini(&sb);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_absent_is_zero);
	tcase_add_test(tc, the_largest_values_fit);
	tcase_add_test(tc, an_empty_item_is_zero);
	tcase_add_test(tc, text_that_is_not_normal_is_refused);
}

int main(void)
{
	return run_suite("mapping", add_tests);
}

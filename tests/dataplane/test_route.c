// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

// A snapshot with nothing but routes.
struct routes {
	struct snapshot snap;
	struct snapshot_route routes[600];
};

static struct routes *routes;
static struct route_table *table;

static void setup(void)
{
	routes = calloc(1, sizeof(*routes));
	routes->snap.routes.off = offsetof(struct routes, routes);
}

static void teardown(void)
{
	route_table_destroy(table);
	table = NULL;
	free(routes);
}

static void add(const char *prefix, uint8_t len, uint16_t port)
{
	struct snapshot_route *route = &routes->routes[routes->snap.routes.nb++];

	ck_assert_int_eq(ip_addr_parse(strv_from(prefix), &route->prefix), 0);
	route->prefix_len = len;
	route->port = port;
}

static int find(const char *text)
{
	const struct snapshot_route *route;
	struct ip_addr ip;

	if (table == NULL)
		table = route_table_create(&routes->snap);
	ck_assert_ptr_nonnull(table);
	ck_assert_int_eq(ip_addr_parse(strv_from(text), &ip), 0);
	route = route_find(table, &ip);
	return route != NULL ? route->port : -1;
}

START_TEST(the_longest_prefix_wins)
{
	add("0.0.0.0", 0, 1);
	add("10.0.0.0", 8, 2);
	add("10.1.2.3", 32, 5);
	add("10.1.0.0", 16, 3);
	add("10.1.2.0", 24, 4);
	ck_assert_int_eq(find("192.0.2.1"), 1);
	ck_assert_int_eq(find("10.9.9.9"), 2);
	ck_assert_int_eq(find("10.1.9.9"), 3);
	ck_assert_int_eq(find("10.1.2.9"), 4);
	ck_assert_int_eq(find("10.1.2.3"), 5);
}
END_TEST

START_TEST(families_are_apart)
{
	add("::", 0, 6);
	add("2001:db8::", 33, 7);
	ck_assert_int_eq(find("10.0.0.1"), -1);
	ck_assert_int_eq(find("2001:db8:1::1"), 7);
	ck_assert_int_eq(find("2001:db8:8000::1"), 6);
}
END_TEST

START_TEST(no_route_is_none)
{
	ck_assert_int_eq(find("10.0.0.1"), -1);
}
END_TEST

START_TEST(many_routes_agree_with_a_linear_search)
{
	uint32_t seed = 5;

	for (unsigned int i = 0; i < 500; i++) {
		uint32_t r = seed = seed * 1103515245u + 12345u;
		uint8_t len = (uint8_t)(8 + (r >> 8) % 25);
		uint32_t address = r & ~(uint32_t)((UINT64_C(1) << (32 - len)) - 1);
		char text[32];

		snprintf(text, sizeof(text), "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
			address >> 8 & 255, address & 255);
		add(text, len, (uint16_t)len);
	}
	for (unsigned int i = 0; i < 2000; i++) {
		uint32_t address = seed = seed * 1103515245u + 12345u;
		char text[32];
		int best = -1;

		for (uint32_t r = 0; r < routes->snap.routes.nb; r++) {
			const struct snapshot_route *route = &routes->routes[r];
			const uint8_t *o = route->prefix.octets;
			uint32_t prefix = (uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 |
				(uint32_t)o[2] << 8 | o[3];

			if ((address ^ prefix) >> (32 - route->prefix_len) == 0 &&
				route->prefix_len > best)
				best = route->prefix_len;
		}
		snprintf(text, sizeof(text), "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
			address >> 8 & 255, address & 255);
		ck_assert_int_eq(find(text), best);
	}
}
END_TEST

START_TEST(many_routes_of_ipv6_agree_with_a_linear_search)
{
	uint32_t seed = 9;

	// Few different octets, so that prefixes of one length are those of another with zeros.
	for (unsigned int i = 0; i < 500; i++) {
		struct snapshot_route *route = &routes->routes[routes->snap.routes.nb++];

		*route = (struct snapshot_route){.prefix.family = 6};
		seed = seed * 1103515245u + 12345u;
		route->prefix_len = (uint8_t)(8 * (1 + (seed >> 16) % 6));
		route->port = route->prefix_len;
		for (unsigned int o = 0; o < route->prefix_len / 8u; o++)
			route->prefix.octets[o] = (uint8_t)(seed >> (8 + 3 * o) & 3);
	}
	table = route_table_create(&routes->snap);
	for (unsigned int i = 0; i < 4096; i++) {
		struct ip_addr ip = {.family = 6};
		const struct snapshot_route *found;
		int best = -1;

		for (unsigned int o = 0; o < 6; o++)
			ip.octets[o] = (uint8_t)(i >> 2 * o & 3);
		for (uint32_t r = 0; r < routes->snap.routes.nb; r++) {
			const struct snapshot_route *route = &routes->routes[r];

			if (memcmp(ip.octets, route->prefix.octets, route->prefix_len / 8u) == 0 &&
				route->prefix_len > best)
				best = route->prefix_len;
		}
		found = route_find(table, &ip);
		ck_assert_int_eq(found != NULL ? found->port : -1, best);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("route");
	TCase *tcase = tcase_create("route");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_longest_prefix_wins);
	tcase_add_test(tcase, families_are_apart);
	tcase_add_test(tcase, no_route_is_none);
	tcase_add_test(tcase, many_routes_agree_with_a_linear_search);
	tcase_add_test(tcase, many_routes_of_ipv6_agree_with_a_linear_search);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

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

static uint32_t random_state;

static uint32_t random_word(void)
{
	random_state = random_state * 1103515245u + 12345u;
	return random_state;
}

static uint32_t prefix_of(const struct snapshot_route *route)
{
	const uint8_t *o = route->prefix.octets;

	return (uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 | (uint32_t)o[2] << 8 | o[3];
}

static void text_of(uint32_t address, char text[32])
{
	snprintf(text, 32, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
		address & 255);
}

// Few routes are found in another way than many.
static const unsigned int numbers[] = {1, 3, 4, 5, 15, 16, 17, 64, 500};

START_TEST(any_number_of_routes_agrees_with_a_linear_search)
{
	char text[32];

	random_state = 5;
	for (unsigned int i = 0; i < numbers[_i]; i++) {
		uint32_t r = random_word();
		uint8_t len = (uint8_t)(8 + (r >> 8) % 25);

		text_of(r & ~(uint32_t)((UINT64_C(1) << (32 - len)) - 1), text);
		add(text, len, (uint16_t)len);
	}
	for (unsigned int i = 0; i < 2000; i++) {
		uint32_t address = random_word();
		int best = -1;

		// Every other one has a route.
		if (i & 1) {
			const struct snapshot_route *route = &routes->routes[i / 2 % numbers[_i]];

			address = prefix_of(route) |
				(uint32_t)((UINT64_C(1) << (32 - route->prefix_len)) - 1);
		}
		for (uint32_t r = 0; r < routes->snap.routes.nb; r++) {
			const struct snapshot_route *route = &routes->routes[r];

			if ((address ^ prefix_of(route)) >> (32 - route->prefix_len) == 0 &&
				route->prefix_len > best)
				best = route->prefix_len;
		}
		text_of(address, text);
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
	tcase_add_loop_test(tcase, any_number_of_routes_agrees_with_a_linear_search, 0,
		(int)(sizeof(numbers) / sizeof(numbers[0])));
	tcase_add_test(tcase, many_routes_of_ipv6_agree_with_a_linear_search);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

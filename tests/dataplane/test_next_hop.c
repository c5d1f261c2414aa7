// SPDX-License-Identifier: BSD-3-Clause
#include "tests/dataplane/bed.h"
#include "tests/dataplane/eal.h"

#include "dataplane/next_hop.h"

#include <errno.h>
#include <stdlib.h>

static struct bed bed;
static struct worker *w;

static void setup(void)
{
	bed_init(&bed, NULL);
	w = &bed.dp.workers[0];
}

static void teardown(void)
{
	bed_fini(&bed);
}

static void publish(uint32_t nb_gateways, uint64_t generation)
{
	bed_publish(&bed,
		&(struct snapshot_fixture){.nb_gateways = nb_gateways, .generation = generation});
	worker_begin_turn(w);
}

static struct rte_ether_addr mac_of(uint32_t i)
{
	return (struct rte_ether_addr){{2, 0, 1, 0, (uint8_t)(i >> 8), (uint8_t)i}};
}

static void know(uint32_t i, uint32_t mac)
{
	struct ip_addr gateway = fixture_gateway(i);
	struct rte_ether_addr addr = mac_of(mac);

	ck_assert_int_eq(neighbour_set(bed.dp.neighbours, 1, &gateway, &addr), 0);
}

static void leads_to(struct ip_addr to, uint32_t mac)
{
	struct rte_ether_addr addr = mac_of(mac);
	const struct next_hop *hop;

	ck_assert_int_eq(next_hop_find(w, &to, &hop), 0);
	ck_assert_uint_eq(hop->port, 1);
	ck_assert_mem_eq(hop->ether, &addr, sizeof(addr));
}

START_TEST(each_route_leads_to_its_own_gateway)
{
	publish(2, 1);
	know(0, 10);
	know(1, 11);
	worker_begin_turn(w);
	for (unsigned int last = 1; last < 255; last++) {
		leads_to(fixture_behind_gateway(0, (uint8_t)last), 10);
		leads_to(fixture_behind_gateway(1, (uint8_t)last), 11);
	}
}
END_TEST

START_TEST(more_gateways_than_entries_are_kept_apart)
{
	publish(FIXTURE_GATEWAYS_MAX, 1);
	for (uint32_t i = 0; i < FIXTURE_GATEWAYS_MAX; i++)
		know(i, i);
	worker_begin_turn(w);
	for (unsigned int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < FIXTURE_GATEWAYS_MAX; i++)
			leads_to(fixture_behind_gateway(i, 7), i);
}
END_TEST

START_TEST(a_gateway_that_moved_is_followed_from_the_next_turn_on)
{
	publish(1, 1);
	know(0, 10);
	worker_begin_turn(w);
	leads_to(fixture_behind_gateway(0, 1), 10);
	know(0, 20);
	worker_begin_turn(w);
	leads_to(fixture_behind_gateway(0, 1), 20);
	leads_to(fixture_behind_gateway(0, 2), 20);
}
END_TEST

START_TEST(another_snapshot_has_other_routes)
{
	struct ip_addr to = fixture_behind_gateway(1, 1);
	const struct next_hop *hop;

	publish(2, 1);
	know(0, 10);
	know(1, 11);
	worker_begin_turn(w);
	leads_to(to, 11);
	publish(1, 2);
	ck_assert_int_eq(next_hop_find(w, &to, &hop), -ENETUNREACH);
	ck_assert_ptr_null(hop);
	leads_to(fixture_behind_gateway(0, 1), 10);
}
END_TEST

START_TEST(an_unknown_gateway_is_named_whoever_is_behind_it)
{
	struct ip_addr gateway = fixture_gateway(0);
	const struct next_hop *hop;

	publish(1, 1);
	for (unsigned int last = 1; last < 4; last++) {
		struct ip_addr to = fixture_behind_gateway(0, (uint8_t)last);

		ck_assert_int_eq(next_hop_find(w, &to, &hop), -EHOSTUNREACH);
		ck_assert(ip_addr_eq(&hop->via, &gateway));
		ck_assert_uint_eq(hop->port, 1);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("next_hop");
	TCase *tcase = tcase_create("next_hop");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, each_route_leads_to_its_own_gateway);
	tcase_add_test(tcase, more_gateways_than_entries_are_kept_apart);
	tcase_add_test(tcase, a_gateway_that_moved_is_followed_from_the_next_turn_on);
	tcase_add_test(tcase, another_snapshot_has_other_routes);
	tcase_add_test(tcase, an_unknown_gateway_is_named_whoever_is_behind_it);
	suite_add_tcase(suite, tcase);
	return eal_run_suite(suite);
}

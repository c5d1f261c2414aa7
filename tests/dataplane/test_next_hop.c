// SPDX-License-Identifier: BSD-3-Clause
#include "tests/dataplane/bed.h"
#include "tests/dataplane/eal.h"

#include "dataplane/hold.h"
#include "dataplane/next_hop.h"
#include "dataplane/pmtu.h"

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

static void leads_to_port(struct ip_addr to, uint16_t port, uint32_t mac)
{
	struct rte_ether_addr addr = mac_of(mac);
	const struct next_hop *hop;

	ck_assert_int_eq(next_hop_find(w, &to, &hop), 0);
	ck_assert_uint_eq(hop->port, port);
	ck_assert_mem_eq(hop->ether, &addr, sizeof(addr));
}

static void leads_to(struct ip_addr to, uint32_t mac)
{
	leads_to_port(to, 1, mac);
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

START_TEST(neighbours_have_entries_of_their_own_and_who_is_behind_a_gateway_has_none)
{
	struct ip_addr gateway = fixture_gateway(0), behind = fixture_behind_gateway(0, 7);

	publish(1, 1);
	know(0, 10);
	worker_begin_turn(w);
	leads_to(gateway, 10);
	leads_to(behind, 10);
	ck_assert_uint_eq(next_hop_slot(w, &gateway)->epoch, w->epoch);
	ck_assert(ip_addr_eq(&next_hop_slot(w, &gateway)->to, &gateway));
	ck_assert_uint_eq(next_hop_slot(w, &behind)->epoch, 0);
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

// Routes that share an entry: one, and one as many routes behind it as there are entries.
static void publish_two(struct snapshot_route one, struct snapshot_route other)
{
	static struct snapshot_route routes[NEXT_HOP_GATEWAYS + 1];

	for (uint32_t i = 0; i < NEXT_HOP_GATEWAYS; i++)
		routes[i] = (struct snapshot_route){
			.prefix = fixture_behind_gateway(i, 0), .prefix_len = 24, .port = 1};
	routes[0] = one;
	routes[NEXT_HOP_GATEWAYS] = other;
	bed_publish(&bed,
		&(struct snapshot_fixture){
			.more_routes = routes, .nb_more_routes = NEXT_HOP_GATEWAYS + 1});
}

// fe80::1 is the name of many a router.
START_TEST(one_gateway_address_behind_two_ports_is_two_gateways)
{
	struct snapshot_route one = {.prefix = fixture_behind_gateway(300, 0),
		.prefix_len = 24,
		.port = 1,
		.gateway = fixture_gateway(0)};
	struct snapshot_route other = one;
	struct rte_ether_addr mac = mac_of(20);

	other.prefix_len = 25;
	other.port = 0;
	publish_two(one, other);
	know(0, 10);
	ck_assert_int_eq(neighbour_set(bed.dp.neighbours, 0, &one.gateway, &mac), 0);
	worker_begin_turn(w);
	for (unsigned int round = 0; round < 2; round++) {
		leads_to_port(fixture_behind_gateway(300, 200), 1, 10);
		leads_to_port(fixture_behind_gateway(300, 100), 0, 20);
	}
}
END_TEST

// RFC 8950: IPv4 behind an IPv6 router.
START_TEST(one_gateway_for_both_families_carries_both)
{
	struct ip_addr gateway = fixture_endpoint("[2001:db8:20::9]:0").ip;
	struct ip_addr to[] = {
		fixture_behind_gateway(300, 1), fixture_endpoint("[2001:db8:99::1]:0").ip};
	const uint16_t types[] = {RTE_BE16(RTE_ETHER_TYPE_IPV4), RTE_BE16(RTE_ETHER_TYPE_IPV6)};
	struct snapshot_route one = {.prefix = fixture_behind_gateway(300, 0),
		.prefix_len = 24,
		.port = 1,
		.gateway = gateway};
	struct snapshot_route other = {.prefix = fixture_endpoint("[2001:db8:99::]:0").ip,
		.prefix_len = 64,
		.port = 1,
		.gateway = gateway};
	struct rte_ether_addr mac = mac_of(10);
	const struct next_hop *hop;

	publish_two(one, other);
	ck_assert_int_eq(neighbour_set(bed.dp.neighbours, 1, &gateway, &mac), 0);
	worker_begin_turn(w);
	for (unsigned int i = 0; i < 6; i++) {
		ck_assert_int_eq(next_hop_find(w, &to[i % 2], &hop), 0);
		ck_assert_mem_eq(hop->ether + 12, &types[i % 2], 2);
	}
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

// A worker that slept through two configurations may find the second where the first was.
START_TEST(a_snapshot_at_the_same_address_is_another_one)
{
	uint32_t epoch;

	publish(2, 1);
	epoch = w->epoch;
	worker_begin_turn(w);
	ck_assert_uint_eq(w->epoch, epoch);
	bed_publish(&bed, &(struct snapshot_fixture){.generation = 2});
	w->epoch_published = bed.dp.publisher.current;
	worker_begin_turn(w);
	ck_assert_uint_ne(w->epoch, epoch);
}
END_TEST

START_TEST(an_unknown_gateway_inherits_nothing_from_the_entry_it_takes_over)
{
	const uint32_t other = NEXT_HOP_GATEWAYS; // in the same entry as gateway 0
	const struct next_hop *hop;

	publish(other + 1, 1);
	know(0, 10);
	worker_begin_turn(w);
	for (unsigned int round = 0; round < 2; round++) {
		struct ip_addr to = fixture_behind_gateway(other, 1);

		leads_to(fixture_behind_gateway(0, 1), 10);
		ck_assert_int_eq(next_hop_find(w, &to, &hop), -EHOSTUNREACH);
		ck_assert_int_eq(next_hop_find(w, &to, &hop), -EHOSTUNREACH);
	}
}
END_TEST

static struct bed_packet out;

static void send_datagram(struct ip_addr to, uint16_t len)
{
	struct rte_mbuf *m = worker_alloc(w, len);

	ck_assert_ptr_nonnull(m);
	memset(rte_pktmbuf_append(m, len), 'x', len);
	tx_message(w, m, 0, &(struct endpoint){.ip = to, .port = 5060});
	tx_flush(w);
}

START_TEST(what_waited_for_a_gateway_goes_where_it_was_going)
{
	struct rte_ether_addr mac = mac_of(10);

	publish(1, 1);
	for (uint8_t last = 1; last < 4; last++)
		send_datagram(fixture_behind_gateway(0, last), 100);
	ck_assert_uint_eq(hold_count(w->holds), 3);
	know(0, 10);
	worker_begin_turn(w);
	hold_retry(w);
	tx_flush(w);
	for (uint8_t last = 1; last < 4; last++) {
		struct ip_addr to = fixture_behind_gateway(0, last);

		ck_assert(bed_take(&bed, 1, &out));
		ck_assert(ip_addr_eq(&out.to.ip, &to));
		ck_assert_mem_eq(&out.dst_mac, &mac, sizeof(mac));
	}
}
END_TEST

START_TEST(path_mtus_are_of_destinations_and_not_of_their_gateway)
{
	struct ip_addr narrow = fixture_behind_gateway(0, 1), prefix = fixture_behind_gateway(0, 0);

	publish(1, 1);
	know(0, 10);
	worker_begin_turn(w);
	pmtu_learn(w->pmtus, &narrow, 600, w->now_ms);
	send_datagram(narrow, 1000);
	ck_assert_uint_eq(w->counters->fragmented, 1);
	while (bed_take(&bed, 1, &out))
		;
	pmtu_learn(w->pmtus, &prefix, 600, w->now_ms);
	send_datagram(fixture_behind_gateway(0, 2), 1000);
	ck_assert_uint_eq(w->counters->fragmented, 1);
	ck_assert(bed_take(&bed, 1, &out));
}
END_TEST

START_TEST(the_mtu_is_that_of_the_port)
{
	struct ip_addr to = fixture_behind_gateway(0, 1);
	const struct next_hop *hop;

	publish(1, 1);
	know(0, 10);
	bed.dp.ports[1].mtu = 1400;
	worker_begin_turn(w);
	ck_assert_int_eq(next_hop_find(w, &to, &hop), 0);
	ck_assert_uint_eq(hop->mtu, 1400);
}
END_TEST

START_TEST(a_route_out_of_a_port_that_is_not_there_is_none)
{
	struct ip_addr to = fixture_behind_gateway(0, 1);
	uint16_t nb_ports = w->nb_ports;
	const struct next_hop *hop;

	publish(1, 1);
	know(0, 10);
	w->nb_ports = 1;
	ck_assert_int_eq(next_hop_find(w, &to, &hop), -ENETUNREACH);
	ck_assert_ptr_null(hop);
	w->nb_ports = nb_ports;
	worker_begin_turn(w);
	leads_to(to, 10);
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
	tcase_add_test(
		tcase, neighbours_have_entries_of_their_own_and_who_is_behind_a_gateway_has_none);
	tcase_add_test(tcase, more_gateways_than_entries_are_kept_apart);
	tcase_add_test(tcase, one_gateway_address_behind_two_ports_is_two_gateways);
	tcase_add_test(tcase, one_gateway_for_both_families_carries_both);
	tcase_add_test(tcase, a_gateway_that_moved_is_followed_from_the_next_turn_on);
	tcase_add_test(tcase, another_snapshot_has_other_routes);
	tcase_add_test(tcase, a_snapshot_at_the_same_address_is_another_one);
	tcase_add_test(tcase, an_unknown_gateway_inherits_nothing_from_the_entry_it_takes_over);
	tcase_add_test(tcase, what_waited_for_a_gateway_goes_where_it_was_going);
	tcase_add_test(tcase, path_mtus_are_of_destinations_and_not_of_their_gateway);
	tcase_add_test(tcase, the_mtu_is_that_of_the_port);
	tcase_add_test(tcase, a_route_out_of_a_port_that_is_not_there_is_none);
	tcase_add_test(tcase, an_unknown_gateway_is_named_whoever_is_behind_it);
	suite_add_tcase(suite, tcase);
	return eal_run_suite(suite);
}

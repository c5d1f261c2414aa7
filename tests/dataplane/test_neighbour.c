// SPDX-License-Identifier: BSD-3-Clause
#include "tests/dataplane/eal.h"

#include "dataplane/names.h"
#include "dataplane/neighbour.h"
#include "dataplane/rate.h"

#include <errno.h>
#include <pthread.h>

// The small tables that housekeeping writes and workers read, and the rates per source.

static struct neighbour_table *table;

static void setup(void)
{
	table = neighbour_table_create();
	ck_assert_ptr_nonnull(table);
}

static void teardown(void)
{
	neighbour_table_destroy(table);
}

static struct ip_addr nth(uint32_t n)
{
	return (struct ip_addr){
		.family = 4, .octets = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

static struct rte_ether_addr mac_of(uint32_t n)
{
	return (struct rte_ether_addr){
		{2, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)n}};
}

static int set(uint32_t n)
{
	struct ip_addr ip = nth(n);
	struct rte_ether_addr mac = mac_of(n);

	return neighbour_set(table, 0, &ip, &mac);
}

static bool has(uint32_t n)
{
	struct rte_ether_addr mac, wanted = mac_of(n);
	struct ip_addr ip = nth(n);

	if (neighbour_get(table, 0, &ip, &mac) != 0)
		return false;
	ck_assert(rte_is_same_ether_addr(&mac, &wanted));
	return true;
}

START_TEST(a_full_table_takes_no_more)
{
	for (uint32_t i = 0; i < NEIGHBOUR_MAX; i++)
		ck_assert_int_eq(set(i), 0);
	ck_assert_int_eq(set(NEIGHBOUR_MAX), -ENOSPC);
	ck_assert_int_eq(set(5), 0); // known already
	for (uint32_t i = 0; i < NEIGHBOUR_MAX; i++)
		ck_assert(has(i));
	ck_assert(!has(NEIGHBOUR_MAX));
}
END_TEST

START_TEST(what_is_deleted_makes_room)
{
	for (uint32_t round = 0; round < 10; round++) {
		for (uint32_t i = 0; i < NEIGHBOUR_MAX; i++)
			ck_assert_int_eq(set(round * NEIGHBOUR_MAX + i), 0);
		for (uint32_t i = 0; i < NEIGHBOUR_MAX; i++) {
			struct ip_addr ip = nth(round * NEIGHBOUR_MAX + i);

			ck_assert(has(round * NEIGHBOUR_MAX + i));
			neighbour_del(table, 0, &ip);
			ck_assert(!has(round * NEIGHBOUR_MAX + i));
		}
	}
}
END_TEST

START_TEST(ports_are_apart_and_changes_move_the_generation)
{
	struct rte_ether_addr mac;
	struct ip_addr ip = nth(1);
	uint32_t generation = neighbour_generation(table);

	set(1);
	ck_assert_uint_ne(neighbour_generation(table), generation);
	ck_assert_int_eq(neighbour_get(table, 1, &ip, &mac), -ENOENT);
	generation = neighbour_generation(table);
	set(1);
	ck_assert_uint_eq(neighbour_generation(table), generation);
}
END_TEST

// A reader never sees half of a change.
static bool stop_reader;

static void *reader(void *arg)
{
	const struct ip_addr ip = nth(1);
	uint64_t torn = 0;

	while (!__atomic_load_n(&stop_reader, __ATOMIC_RELAXED)) {
		struct rte_ether_addr mac;

		if (neighbour_get(table, 0, &ip, &mac) == 0)
			for (unsigned int i = 1; i < 6; i++)
				torn += mac.addr_bytes[i] != mac.addr_bytes[0];
	}
	*(uint64_t *)arg = torn;
	return NULL;
}

START_TEST(readers_see_whole_entries)
{
	const struct ip_addr ip = nth(1);
	pthread_t thread;
	uint64_t torn = 1;

	stop_reader = false;
	ck_assert_int_eq(pthread_create(&thread, NULL, reader, &torn), 0);
	for (uint32_t i = 0; i < 200000; i++) {
		struct rte_ether_addr mac;

		memset(&mac, (int)(i & 0xff), sizeof(mac));
		neighbour_set(table, 0, &ip, &mac);
		if (i % 64 == 0)
			neighbour_del(table, 0, &ip);
	}
	__atomic_store_n(&stop_reader, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(torn, 0);
}
END_TEST

static uint64_t misses_ns(void)
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (uint32_t i = 0; i < 1000; i++)
		ck_assert(!has(0xf00000 + i));
	clock_gettime(CLOCK_MONOTONIC, &to);
	return (uint64_t)(to.tv_sec - from.tv_sec) * 1000000000 + (uint64_t)to.tv_nsec -
		(uint64_t)from.tv_nsec;
}

START_TEST(a_miss_costs_no_more_after_a_long_life)
{
	uint64_t fresh = misses_ns(), old;

	// Every slot has been used many times.
	for (uint32_t i = 0; i < 20 * NEIGHBOUR_SLOTS; i++) {
		struct ip_addr ip = nth(i - 100);

		ck_assert_int_eq(set(i), 0);
		neighbour_del(table, 0, &ip);
	}
	// With a slot to look at for each neighbour that ever was, it would be 1,000 times as much.
	old = misses_ns();
	ck_assert_msg(old < 50 * fresh + 1000000, "%lu ns, then %lu ns", fresh, old);
}
END_TEST

static void *patient_reader(void *arg)
{
	uint64_t missed = 0;
	cpu_set_t any;

	// EAL keeps its thread, and so this one, on one CPU.
	memset(&any, 0xff, sizeof(any));
	(void)pthread_setaffinity_np(pthread_self(), sizeof(any), &any);
	while (!__atomic_load_n(&stop_reader, __ATOMIC_RELAXED))
		for (uint32_t i = 0; i < 64; i++)
			missed += !has(i * 64);
	*(uint64_t *)arg = missed;
	return NULL;
}

START_TEST(those_that_move_up_are_always_found)
{
	pthread_t thread;
	uint64_t missed = 1;

	for (uint32_t i = 0; i < NEIGHBOUR_MAX; i++)
		ck_assert_int_eq(set(i), 0);
	stop_reader = false;
	ck_assert_int_eq(pthread_create(&thread, NULL, patient_reader, &missed), 0);
	for (uint32_t round = 0; round < 40; round++)
		for (uint32_t i = 0; i < NEIGHBOUR_MAX; i++) {
			struct ip_addr ip = nth(i);

			if (i % 64 == 0)
				continue;
			neighbour_del(table, 0, &ip);
			ck_assert_int_eq(set(i), 0);
		}
	__atomic_store_n(&stop_reader, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(missed, 0);
	for (uint32_t i = 0; i < NEIGHBOUR_MAX; i++)
		ck_assert(has(i));
}
END_TEST

START_TEST(a_full_set_of_names_loses_what_expires_first)
{
	struct name_table *names = name_table_create((const uint8_t *)"0123456789abcdef");
	struct endpoint to = {.ip = nth(1), .port = 5060}, got;

	for (uint64_t i = 0; i < 5; i++)
		name_set(names, i * 1024, &to, 1000 + i);
	ck_assert_int_eq(name_get(names, 0, 1, &got), -ENOENT);
	for (uint64_t i = 1; i < 5; i++)
		ck_assert_int_eq(name_get(names, i * 1024, 1, &got), 0);
	name_table_destroy(names);
}
END_TEST

START_TEST(a_rate_is_per_source_and_kind)
{
	struct rate_table *rates = rate_table_create(1024, (const uint8_t *)"0123456789abcdef");
	const struct rate_limit requests = {RATE_REQUESTS, 5}, replies = {RATE_REPLIES, 1};
	const struct ip_addr a = nth(1), b = nth(2);

	for (unsigned int i = 0; i < 5; i++)
		ck_assert(rate_take(rates, requests, &a, 1000));
	ck_assert(!rate_take(rates, requests, &a, 1000));
	ck_assert(rate_take(rates, requests, &b, 1000));
	ck_assert(rate_take(rates, replies, &a, 1000));
	ck_assert(!rate_take(rates, replies, &a, 1000));
	// 5 a second: one after 200 ms, and no more than 5 after an hour.
	ck_assert(!rate_take(rates, requests, &a, 1199));
	ck_assert(rate_take(rates, requests, &a, 1200));
	ck_assert(!rate_take(rates, requests, &a, 1200));
	for (unsigned int i = 0; i < 5; i++)
		ck_assert(rate_take(rates, requests, &a, 3600000));
	ck_assert(!rate_take(rates, requests, &a, 3600000));
	ck_assert(rate_take(rates, (struct rate_limit){RATE_REQUESTS, 0}, &a, 3600000));
	rate_table_destroy(rates);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("neighbour");
	TCase *tcase = tcase_create("neighbour");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_full_table_takes_no_more);
	tcase_add_test(tcase, what_is_deleted_makes_room);
	tcase_add_test(tcase, ports_are_apart_and_changes_move_the_generation);
	tcase_add_test(tcase, readers_see_whole_entries);
	tcase_add_test(tcase, a_miss_costs_no_more_after_a_long_life);
	tcase_add_test(tcase, those_that_move_up_are_always_found);
	tcase_add_test(tcase, a_full_set_of_names_loses_what_expires_first);
	tcase_add_test(tcase, a_rate_is_per_source_and_kind);
	suite_add_tcase(suite, tcase);
	return eal_run_suite(suite);
}

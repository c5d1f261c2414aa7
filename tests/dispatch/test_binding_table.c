// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/binding_table.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "tests/dispatch/suite.h"

#define CAPACITY 3000

static struct binding_table *table;

static void setup(void)
{
	void *memory = aligned_alloc(64, binding_table_size(CAPACITY));

	table = binding_table_init(memory, CAPACITY, (const uint8_t *)"0123456789abcdef");
}

static void teardown(void)
{
	free(table);
}

static uint64_t hash_of(uint32_t i)
{
	char user[16];
	size_t len = 0;

	do
		user[len++] = (char)('0' + i % 10);
	while ((i /= 10) != 0);
	return binding_table_hash(table, (struct strv){user, len}, STRV("Example.COM"));
}

START_TEST(the_host_has_no_case)
{
	ck_assert_uint_eq(binding_table_hash(table, STRV("bob"), STRV("example.com")),
		binding_table_hash(table, STRV("bob"), STRV("EXAMPLE.com")));
	ck_assert_uint_ne(binding_table_hash(table, STRV("bob"), STRV("example.com")),
		binding_table_hash(table, STRV("Bob"), STRV("example.com")));
}
END_TEST

START_TEST(it_holds_what_it_promises)
{
	uint32_t id;

	for (uint32_t i = 0; i < CAPACITY; i++)
		ck_assert_int_eq(binding_table_set(table, hash_of(i), i, 100), 0);
	ck_assert_uint_eq(binding_table_count(table), CAPACITY);
	ck_assert_int_eq(binding_table_set(table, hash_of(CAPACITY), 1, 100), -ENOSPC);
	for (uint32_t i = 0; i < CAPACITY; i++) {
		ck_assert_int_eq(binding_table_get(table, hash_of(i), 99, &id), 0);
		ck_assert_uint_eq(id, i);
		ck_assert_int_eq(binding_table_get(table, hash_of(i), 100, &id), -ENOENT);
	}
	// Replacing needs no room.
	ck_assert_int_eq(binding_table_set(table, hash_of(5), 77, 200), 0);
	ck_assert_int_eq(binding_table_get(table, hash_of(5), 150, &id), 0);
	ck_assert_uint_eq(id, 77);
	ck_assert_uint_eq(binding_table_count(table), CAPACITY);
}
END_TEST

START_TEST(what_is_deleted_is_gone_and_what_stood_behind_it_is_not)
{
	uint32_t id;

	for (int round = 0; round < 5; round++) {
		for (uint32_t i = 0; i < CAPACITY; i++)
			ck_assert_int_eq(binding_table_set(table, hash_of(i), i, 100), 0);
		for (uint32_t i = 0; i < CAPACITY; i += 2)
			binding_table_del(table, hash_of(i));
		for (uint32_t i = 0; i < CAPACITY; i++)
			ck_assert_int_eq(binding_table_get(table, hash_of(i), 1, &id),
				i % 2 != 0 ? 0 : -ENOENT);
		for (uint32_t i = 0; i < CAPACITY; i++)
			binding_table_del(table, hash_of(i));
		ck_assert_uint_eq(binding_table_count(table), 0);
	}
}
END_TEST

START_TEST(a_sweep_drops_what_expired_and_no_more)
{
	uint32_t id, dropped = 0;

	for (uint32_t i = 0; i < CAPACITY; i++)
		ck_assert_int_eq(binding_table_set(table, hash_of(i), i, 100 + i % 2), 0);
	for (int i = 0; i < 1000; i++)
		dropped += binding_table_sweep(table, 100, 32);
	ck_assert_uint_eq(dropped, CAPACITY / 2);
	ck_assert_uint_eq(binding_table_count(table), CAPACITY / 2);
	ck_assert_int_eq(binding_table_get(table, hash_of(1), 100, &id), 0);
}
END_TEST

static volatile bool stop;

// An entry's backend is always its number, so a torn read would show.
static void *read_all(void *wrong)
{
	while (!stop) {
		for (uint32_t i = 0; i < 64; i++) {
			uint32_t id;

			if (binding_table_get(table, hash_of(i), 1, &id) == 0 && id != i)
				++*(int *)wrong;
		}
	}
	return NULL;
}

START_TEST(a_reader_never_sees_half_an_entry)
{
	pthread_t thread;
	int wrong = 0;

	stop = false;
	pthread_create(&thread, NULL, read_all, &wrong);
	for (int round = 0; round < 3000; round++) {
		for (uint32_t i = 0; i < 64; i++)
			binding_table_set(table, hash_of(i), i, 100);
		for (uint32_t i = 0; i < 64; i++)
			binding_table_del(table, hash_of((i * 7 + (uint32_t)round) % 64));
	}
	stop = true;
	pthread_join(thread, NULL);
	ck_assert_int_eq(wrong, 0);
}
END_TEST

// 64 capacities between two powers of 2, each to its last entry.
START_TEST(every_capacity_can_be_filled)
{
	uint32_t capacity = 65536 + 1024 * (uint32_t)_i;
	struct binding_table *big =
		binding_table_init(aligned_alloc(64, binding_table_size(capacity)), capacity,
			(const uint8_t *)"0123456789abcdef");
	uint64_t hash = 1;

	for (uint32_t i = 0; i < capacity; i++) {
		hash = hash * 6364136223846793005 + 1442695040888963407;
		assert_each(binding_table_set(big, hash ^ hash >> 29, 1, 100) == 0);
	}
	free(big);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("binding_table");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_host_has_no_case);
	tcase_add_test(tc, it_holds_what_it_promises);
	tcase_add_loop_test(tc, every_capacity_can_be_filled, 0, 64);
	tcase_add_test(tc, what_is_deleted_is_gone_and_what_stood_behind_it_is_not);
	tcase_add_test(tc, a_sweep_drops_what_expired_and_no_more);
	tcase_add_test(tc, a_reader_never_sees_half_an_entry);
	return run_suite("binding_table", tc);
}

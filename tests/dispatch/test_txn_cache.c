// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/txn_cache.h"

#include <errno.h>

#include "tests/dispatch/suite.h"

#define ENTRIES 1024

static struct txn_cache *cache;

static void setup(void)
{
	void *memory = aligned_alloc(64, txn_cache_size(ENTRIES));

	cache = txn_cache_init(memory, ENTRIES, (const uint8_t *)"0123456789abcdef");
}

static void teardown(void)
{
	free(cache);
}

START_TEST(what_was_put_is_found_until_it_expires)
{
	uint64_t hash = txn_cache_hash(cache, 99, 1, 0);
	struct txn_hit hit = {0};

	ck_assert_int_eq(txn_cache_get(cache, hash, 5000, &hit), -ENOENT);
	ck_assert_int_eq(
		txn_cache_put(cache, hash, 5000, TXN_TTL_MS, (struct txn_hit){42, 'b'}), 0);
	ck_assert_int_eq(txn_cache_get(cache, hash, 5000 + TXN_TTL_MS - 1, &hit), 0);
	ck_assert_uint_eq(hit.backend_id, 42);
	ck_assert_int_eq(hit.key_id, 'b');
	ck_assert_int_eq(txn_cache_get(cache, hash, 5000 + TXN_TTL_MS + 512, &hit), -ENOENT);
}
END_TEST

START_TEST(passage_and_cseq_make_another_transaction)
{
	uint64_t hash = txn_cache_hash(cache, 99, 1, 0);

	ck_assert_uint_ne(hash, txn_cache_hash(cache, 99, 1, 1));
	ck_assert_uint_ne(hash, txn_cache_hash(cache, 99, 2, 0));
	ck_assert_uint_ne(hash, txn_cache_hash(cache, 98, 1, 0));
}
END_TEST

START_TEST(a_full_bucket_refuses_instead_of_evicting)
{
	struct txn_hit hit;
	unsigned int refused = 0, kept = 0;
	static int placed[20000];

	for (uint32_t i = 0; i < 20000; i++) {
		uint64_t hash = txn_cache_hash(cache, i * UINT64_C(0x9e3779b97f4a7c15), 1, 0);

		placed[i] = txn_cache_put(cache, hash, 1000, TXN_TTL_MS, (struct txn_hit){i, 'a'});
		refused += placed[i] == -ENOSPC;
	}
	ck_assert_uint_ge(refused, 20000 - ENTRIES);
	for (uint32_t i = 0; i < 20000; i++) {
		uint64_t hash = txn_cache_hash(cache, i * UINT64_C(0x9e3779b97f4a7c15), 1, 0);

		if (placed[i] != 0)
			continue;
		ck_assert_int_eq(txn_cache_get(cache, hash, 2000, &hit), 0);
		kept += hit.backend_id == i;
	}
	ck_assert_uint_ge(kept, ENTRIES * 9 / 10);
}
END_TEST

START_TEST(an_expired_entry_makes_room)
{
	for (int round = 0; round < 3; round++)
		for (uint32_t i = 0; i < 200; i++)
			ck_assert_int_eq(
				txn_cache_put(cache, txn_cache_hash(cache, i, (uint32_t)round, 0),
					(uint64_t)round * 100000, TXN_TTL_MS,
					(struct txn_hit){i, 'a'}),
				0);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("txn_cache");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_was_put_is_found_until_it_expires);
	tcase_add_test(tc, passage_and_cseq_make_another_transaction);
	tcase_add_test(tc, a_full_bucket_refuses_instead_of_evicting);
	tcase_add_test(tc, an_expired_entry_makes_room);
	return run_suite("txn_cache", tc);
}

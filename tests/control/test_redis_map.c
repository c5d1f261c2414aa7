// SPDX-License-Identifier: BSD-3-Clause
#include "control/redis_map.h"

#include "control/redis.h"
#include "tests/control/redis_server.h"
#include "tests/control/suite.h"

#include <errno.h>

static struct redis_server server;
static struct event_base *base;
static struct redis *redis;
static struct redis_map *map;
static bool loaded;
static unsigned int nb_values;

static void on_up(void *arg)
{
	redis_map_up(map);
}

static void on_down(void *arg, const char *why)
{
	redis_map_down(map);
}

static void on_value(void *arg, struct strv key, struct strv field, struct strv value, bool loading)
{
	nb_values++;
}

static void on_load_begin(void *arg)
{
}

static void on_loaded(void *arg)
{
	loaded = true;
}

static void setup(void)
{
	static const struct redis_callbacks callbacks = {.on_up = on_up, .on_down = on_down};
	static const struct redis_map_callbacks map_callbacks = {
		.on_value = on_value, .on_load_begin = on_load_begin, .on_loaded = on_loaded};
	// The prefix has what is special in a pattern of SCAN.
	struct redis_map_options map_options = {.prefix = "a*[b]?\\:", .stream = "changes"};
	struct redis_options options = {.command_timeout_ms = 10000};

	signal(SIGPIPE, SIG_IGN); // as the control process does
	redis_server_start(&server);
	freeReplyObject(redis_server_ask(&server, "HSET %s f v", "axb:1"));
	freeReplyObject(redis_server_ask(&server, "HSET %s f v", "a*[b]?\\:1"));
	base = event_base_new();
	map = redis_map_create(base, &map_options, &map_callbacks, NULL);
	options.address.path = server.path;
	redis = redis_create(base, &options, &callbacks, NULL);
	redis_map_set_redis(map, redis);
	ck_assert(run_until(base, &loaded, 3000));
}

static void teardown(void)
{
	redis_destroy(redis);
	redis_map_destroy(map);
	event_base_free(base);
	redis_server_stop(&server);
}

static void put(const char *value, uint64_t ttl_ms)
{
	while (redis_map_put(map, STRV("k"), STRV("f"), strv_from(value), ttl_ms) == -ENOTCONN)
		run_for(base, 10);
	for (unsigned int i = 0; i < 1000 && redis_pending(redis) > 0; i++)
		run_for(base, 10);
}

static void ck_value(const char *value)
{
	redisReply *reply = redis_server_ask(&server, "HGET %s f", "a*[b]?\\:k");

	ck_assert_str_eq(reply->str, value);
	freeReplyObject(reply);
}

START_TEST(the_newest_value_stays_whoever_writes_last)
{
	put("1700000000000002 newer", 60000);
	put("1700000000000001 older", 60000);
	ck_value("1700000000000002 newer");
	put("1700000000000002 same", 60000);
	ck_value("1700000000000002 newer");
	put("1700000000000003 newest", 60000);
	ck_value("1700000000000003 newest");
	// What was not written is not told either.
	ck_assert_int_eq(redis_server_number(&server, "XLEN changes"), 2);
}
END_TEST

START_TEST(a_key_lives_as_long_as_its_longest_value)
{
	put("1700000000000001 x", 60000);
	put("1700000000000002 x", 1000);
	ck_assert_int_gt(redis_server_number(&server, "PTTL %s", "a*[b]?\\:k"), 30000);
	put("1700000000000003 x", 3600000);
	ck_assert_int_gt(redis_server_number(&server, "PTTL %s", "a*[b]?\\:k"), 3000000);
}
END_TEST

START_TEST(only_keys_with_the_very_prefix_are_loaded)
{
	ck_assert_uint_eq(nb_values, 1);
	ck_assert(redis_map_is_synced(map));
}
END_TEST

START_TEST(versions_grow_whatever_the_clock_says)
{
	ck_assert_uint_gt(redis_map_next_version(0), 1700000000000000);
	ck_assert_uint_eq(redis_map_next_version(8000000000000000), 8000000000000001);
	ck_assert_uint_eq(redis_map_version(STRV("1700000000000001 x")), 1700000000000001);
	ck_assert_uint_eq(redis_map_version(STRV("170000000000000x")), 0);
	ck_assert_uint_eq(redis_map_version(STRV("1700000000")), 0);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("redis_map");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_newest_value_stays_whoever_writes_last);
	tcase_add_test(tc, a_key_lives_as_long_as_its_longest_value);
	tcase_add_test(tc, only_keys_with_the_very_prefix_are_loaded);
	tcase_add_test(tc, versions_grow_whatever_the_clock_says);
	return suite_run(tc);
}

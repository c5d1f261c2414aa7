// SPDX-License-Identifier: BSD-3-Clause
#include "control/redis_options.h"

#include "tests/control/suite.h"

#include <string.h>

static const struct redis_address no_address = {0}, by_path = {.path = "/run/redis.sock"},
				  by_host = {.host = "192.0.2.1", .port = 6379},
				  no_port = {.host = "192.0.2.1"}, no_host = {.port = 6379};

static const struct {
	const struct redis_address *address;
	bool sound;
} servers[] = {
	{&no_address, false},
	{&by_path, true},
	{&by_host, true},
	{&no_port, false},
	{&no_host, false},
};

START_TEST(options_name_a_server)
{
	struct redis_options options = {.address = *servers[_i].address};

	ck_assert_int_eq(redis_options_are_sound(&options), servers[_i].sound);
	// With Sentinel it is the Sentinels that count, every one of them.
	options.master_name = "m";
	ck_assert(!redis_options_are_sound(&options));
	options.sentinels = (struct redis_address[]){by_host, *servers[_i].address};
	options.nb_sentinels = 2;
	ck_assert_int_eq(redis_options_are_sound(&options), servers[_i].sound);
}
END_TEST

START_TEST(a_copy_outlives_what_it_was_made_of)
{
	char host[] = "192.0.2.1", master[] = "m", user[] = "u", password[] = "p", name[] = "n";
	char sentinel[] = "192.0.2.2";
	struct redis_address sentinels[] = {{.host = sentinel, .port = 26379}, {.path = "/s"}};
	struct redis_options copy,
		options = {
			.address = {.host = host, .port = 1},
			.master_name = master,
			.sentinels = sentinels,
			.nb_sentinels = 2,
			.username = user,
			.password = password,
			.client_name = name,
			.database = 7,
		};

	ck_assert_int_eq(redis_options_copy(&copy, &options), 0);
	host[0] = master[0] = user[0] = password[0] = name[0] = sentinel[0] = 'X';
	memset(sentinels, 0, sizeof(sentinels));
	ck_assert_str_eq(copy.address.host, "192.0.2.1");
	ck_assert_str_eq(copy.master_name, "m");
	ck_assert_str_eq(copy.username, "u");
	ck_assert_str_eq(copy.password, "p");
	ck_assert_str_eq(copy.client_name, "n");
	ck_assert_uint_eq(copy.database, 7);
	ck_assert_uint_eq(copy.nb_sentinels, 2);
	ck_assert_str_eq(copy.sentinels[0].host, "192.0.2.2");
	ck_assert_uint_eq(copy.sentinels[0].port, 26379);
	ck_assert_str_eq(copy.sentinels[1].path, "/s");
	redis_options_fini(&copy);
	ck_assert_ptr_null(copy.password);
	ck_assert_uint_eq(copy.nb_sentinels, 0);
}
END_TEST

START_TEST(what_is_absent_gets_its_default_and_the_rest_stays)
{
	struct redis_options copy, options = {.address = by_path};

	ck_assert_int_eq(redis_options_copy(&copy, &options), 0);
	ck_assert_uint_eq(copy.connect_timeout_ms, 500);
	ck_assert_uint_eq(copy.command_timeout_ms, 500);
	ck_assert_uint_eq(copy.keepalive_ms, 10000);
	ck_assert_uint_eq(copy.backoff_min_ms, 100);
	ck_assert_uint_eq(copy.backoff_max_ms, 5000);
	ck_assert_uint_eq(copy.queue_max, 4096);
	ck_assert_uint_eq(copy.queue_octets_max, 4 << 20);
	ck_assert_uint_eq(copy.reply_octets_max, 64 << 20);
	ck_assert_uint_eq(copy.reply_elements_max, 1 << 20);
	ck_assert_ptr_null(copy.username);
	redis_options_fini(&copy);

	options.command_timeout_ms = 7;
	options.queue_max = 1; // the handshake would not fit
	options.queue_octets_max = 9;
	ck_assert_int_eq(redis_options_copy(&copy, &options), 0);
	ck_assert_uint_eq(copy.command_timeout_ms, 7);
	ck_assert_uint_eq(copy.queue_max, 16);
	ck_assert_uint_eq(copy.queue_octets_max, 9);
	redis_options_fini(&copy);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("redis_options");

	tcase_add_loop_test(tc, options_name_a_server, 0, sizeof(servers) / sizeof(servers[0]));
	tcase_add_test(tc, a_copy_outlives_what_it_was_made_of);
	tcase_add_test(tc, what_is_absent_gets_its_default_and_the_rest_stays);
	return suite_run(tc);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "control/next_hop.h"

#include "tests/control/suite.h"

static struct ip_addr ip(const char *text)
{
	struct ip_addr addr;

	ck_assert_int_eq(ip_addr_parse(strv_from(text), &addr), 0);
	return addr;
}

static const struct {
	const char *prefix;
	uint8_t len;
	const char *ip;
	bool covers;
} samples[] = {
	{"0.0.0.0", 0, "192.0.2.1", true},
	{"0.0.0.0", 0, "2001:db8::1", false},
	{"::", 0, "2001:db8::1", true},
	{"::", 0, "192.0.2.1", false},
	{"10.0.0.0", 8, "10.255.255.255", true},
	{"10.0.0.0", 8, "11.0.0.0", false},
	{"10.0.0.0", 9, "10.127.255.255", true},
	{"10.0.0.0", 9, "10.128.0.0", false},
	{"10.20.1.8", 29, "10.20.1.15", true},
	{"10.20.1.8", 29, "10.20.1.16", false},
	{"10.20.1.9", 32, "10.20.1.9", true},
	{"10.20.1.9", 32, "10.20.1.8", false},
	{"2001:db8::", 33, "2001:db8:7fff::1", true},
	{"2001:db8::", 33, "2001:db8:8000::1", false},
	{"2001:db8::1", 128, "2001:db8::1", true},
	{"2001:db8::1", 128, "2001:db8::2", false},
	{"2001:db8::2", 127, "2001:db8::3", true},
};

START_TEST(a_prefix_covers_what_begins_with_it)
{
	struct ip_addr prefix = ip(samples[_i].prefix), addr = ip(samples[_i].ip);

	ck_assert_int_eq(next_hop_covers(&prefix, samples[_i].len, &addr), samples[_i].covers);
}
END_TEST

START_TEST(the_longest_prefix_wins_in_any_order)
{
	struct snapshot_route routes[] = {
		{.prefix = ip("0.0.0.0"), .prefix_len = 0, .port = 0},
		{.prefix = ip("10.20.1.0"), .prefix_len = 24, .port = 1},
		{.prefix = ip("10.0.0.0"), .prefix_len = 8, .port = 2},
		{.prefix = ip("2001:db8::"), .prefix_len = 32, .port = 3},
	};
	static const struct {
		const char *to;
		uint16_t port;
	} wanted[] = {{"10.20.1.9", 1}, {"10.20.2.9", 2}, {"192.0.2.1", 0}, {"2001:db8::1", 3}};

	for (unsigned int turn = 0; turn < 4; turn++) {
		struct snapshot_route first = routes[0];

		for (unsigned int i = 0; i < 4; i++) {
			struct ip_addr to = ip(wanted[i].to);
			const struct snapshot_route *found = next_hop_find(routes, 4, &to);

			ck_assert_ptr_nonnull(found);
			ck_assert_uint_eq(found->port, wanted[i].port);
		}
		for (unsigned int i = 0; i < 3; i++)
			routes[i] = routes[i + 1];
		routes[3] = first;
	}
}
END_TEST

START_TEST(without_a_route_there_is_none)
{
	struct snapshot_route route = {.prefix = ip("10.0.0.0"), .prefix_len = 8};
	struct ip_addr to = ip("192.0.2.1");

	ck_assert_ptr_null(next_hop_find(&route, 1, &to));
	ck_assert_ptr_null(next_hop_find(&route, 0, &to));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("next_hop");

	tcase_add_loop_test(
		tc, a_prefix_covers_what_begins_with_it, 0, sizeof(samples) / sizeof(samples[0]));
	tcase_add_test(tc, the_longest_prefix_wins_in_any_order);
	tcase_add_test(tc, without_a_route_there_is_none);
	return suite_run(tc);
}

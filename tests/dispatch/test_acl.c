// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/acl.h"

#include "tests/dispatch/lab.h"
#include "tests/dispatch/suite.h"

#define PREFIXES_MAX 64

static struct snapshot *snap;
static struct snapshot_prefix prefixes[PREFIXES_MAX];
static uint16_t nb_prefixes;

static void add(const char *text, uint8_t len)
{
	ck_assert_int_eq(ip_addr_parse(strv_from(text), &prefixes[nb_prefixes].ip), 0);
	prefixes[nb_prefixes++].len = len;
}

static void build(uint16_t nb_allow)
{
	struct snapshot_service service = {
		.name = "a", .listener_v4 = SNAPSHOT_NONE, .listener_v6 = SNAPSHOT_NONE};
	struct snapshot_listener listener = {.local = lab_endpoint(VIP),
		.port = SNAPSHOT_NONE,
		.nb_acl_allow = nb_allow,
		.acl_deny = nb_allow,
		.nb_acl_deny = (uint16_t)(nb_prefixes - nb_allow)};
	struct snapshot_key key = {.id = 'a'};
	struct snapshot_input in = {.keys = &key,
		.nb_keys = 1,
		.listeners = &listener,
		.services = &service,
		.acl = prefixes,
		.nb_listeners = 1,
		.nb_services = 1,
		.nb_acl = nb_prefixes};
	size_t size = snapshot_build_size(&in);
	const char *why;

	snap = aligned_alloc(64, size);
	memset(snap, 0, size);
	ck_assert_int_eq(snapshot_build(&in, snap, size), 0);
	ck_assert_int_eq(snapshot_validate(snap, size, &why), 0);
}

static void teardown(void)
{
	free(snap);
}

static bool permits(const char *text)
{
	struct ip_addr ip;

	ck_assert_int_eq(ip_addr_parse(strv_from(text), &ip), 0);
	return acl_permits(snap, 0, &ip);
}

START_TEST(without_lists_everybody_may)
{
	build(0);
	ck_assert(permits("192.0.2.1"));
	ck_assert(permits("2001:db8::1"));
}
END_TEST

START_TEST(a_deny_list_alone_lets_the_rest_in)
{
	add("192.0.2.0", 24);
	add("2001:db8:bad::", 48);
	build(0);
	ck_assert(!permits("192.0.2.1"));
	ck_assert(permits("192.0.3.1"));
	ck_assert(!permits("2001:db8:bad::1"));
	ck_assert(permits("2001:db8:bae::1"));
}
END_TEST

START_TEST(an_allow_list_keeps_the_rest_out)
{
	add("10.0.0.0", 8);
	build(1);
	ck_assert(permits("10.255.0.1"));
	ck_assert(!permits("11.0.0.1"));
	ck_assert(!permits("::1"));
}
END_TEST

START_TEST(the_longest_prefix_decides)
{
	add("10.0.0.0", 8);
	add("10.1.2.3", 32);
	add("10.1.4.0", 24);
	// and denied:
	add("10.1.0.0", 16);
	add("10.1.4.0", 24);
	add("0.0.0.0", 0);
	build(3);
	ck_assert(permits("10.2.0.1"));
	ck_assert(!permits("10.1.0.1"));
	ck_assert(permits("10.1.2.3"));
	ck_assert(!permits("10.1.2.4"));
	ck_assert(!permits("10.1.4.1")); // a tie
	ck_assert(!permits("11.0.0.1"));
}
END_TEST

static bool covers(const struct snapshot_prefix *p, const struct ip_addr *ip)
{
	for (unsigned int bit = 0; bit < p->len; bit++)
		if ((p->ip.octets[bit / 8] ^ ip->octets[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	return p->ip.family == ip->family;
}

START_TEST(agrees_with_trying_every_prefix)
{
	uint32_t random = 5;

	for (int i = 0; i < PREFIXES_MAX; i++) {
		struct snapshot_prefix *p = &prefixes[nb_prefixes++];
		uint8_t bits;

		random = random * 1664525 + 1013904223;
		p->ip = (struct ip_addr){.family = random >> 31 ? 4 : 6};
		bits = p->ip.family == 4 ? 32 : 128;
		p->len = (uint8_t)((random >> 8) % (bits / 4u + 1));
		for (unsigned int bit = 0; bit < p->len; bit++) {
			random = random * 1664525 + 1013904223;
			p->ip.octets[bit / 8] |= (uint8_t)((random >> 30 == 0) << (7 - bit % 8));
		}
	}
	build(32);
	for (int i = 0; i < 20000; i++) {
		struct ip_addr ip = {.family = i % 2 ? 4 : 6};
		int best[2] = {-1, -1};

		for (int j = 0; j < (ip.family == 4 ? 4 : 16); j++) {
			random = random * 1664525 + 1013904223;
			ip.octets[j] = random >> 29 == 0 ? (uint8_t)(random >> 16) : 0;
		}
		for (int j = 0; j < PREFIXES_MAX; j++)
			if (covers(&prefixes[j], &ip) && prefixes[j].len > best[j >= 32])
				best[j >= 32] = prefixes[j].len;
		ck_assert(acl_permits(snap, 0, &ip) == (best[0] > best[1]));
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("acl");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, without_lists_everybody_may);
	tcase_add_test(tc, a_deny_list_alone_lets_the_rest_in);
	tcase_add_test(tc, an_allow_list_keeps_the_rest_out);
	tcase_add_test(tc, the_longest_prefix_decides);
	tcase_add_test(tc, agrees_with_trying_every_prefix);
	return run_suite("acl", tc);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "control/snapshot_make.h"

#include "control/next_hop.h"
#include "control/probe_listener.h"
#include "control/table_moves.h"
#include "tests/control/lab.h"
#include "tests/control/suite.h"

#include <string.h>

static struct lab lab;
static struct snapshot *snapshot;

static void setup(void)
{
	lab_load(&lab, NULL);
	snapshot = NULL;
}

static void teardown(void)
{
	free(snapshot);
	lab_stop(&lab);
}

static struct snapshot *build(const struct snapshot_env *env)
{
	struct snapshot_parts parts;
	struct snapshot *s = NULL;
	const char *why;

	ck_assert_int_eq(snapshot_parts_make(lab.control.config, env, &parts), 0);
	ck_assert_int_eq(snapshot_parts_build(&parts, &s), 0);
	ck_assert_int_eq(snapshot_validate(s, s->size, &why), 0);
	snapshot_parts_fini(&parts);
	return s;
}

START_TEST(works_without_a_daemon)
{
	const struct snapshot_env env = {0};
	struct snapshot *again;

	snapshot = build(&env);
	again = build(&env);
	// Bit for bit.
	ck_assert_uint_eq(snapshot->size, again->size);
	ck_assert_mem_eq(snapshot, again, snapshot->size);
	free(again);
}
END_TEST

START_TEST(the_table_is_the_same_as_the_daemons)
{
	const struct snapshot_env offline = {0};
	const struct snapshot_env online = {
		.control = &lab.control, .generation = 7, .now_ms = 1000};
	struct snapshot *daemons = build(&online);

	snapshot = build(&offline);
	ck_assert_uint_eq(snapshot_service(snapshot, 0)->table_hash,
		snapshot_service(daemons, 0)->table_hash);
	ck_assert_mem_eq(snapshot->table_key, daemons->table_key, 16);
	free(daemons);
}
END_TEST

START_TEST(a_key_that_signed_stays_for_the_window)
{
	struct config *config = lab.control.config;
	struct config_key keys[2] = {config->cluster_keys.keys[0], config->cluster_keys.keys[0]};
	struct config_cluster_keys before = config->cluster_keys;
	struct snapshot_env env = {.now_ms = 1000};
	struct snapshot *next, *later;

	snapshot = build(&env);
	ck_assert_uint_eq(snapshot->prev_primary_key, snapshot->primary_key);
	keys[1].id = 'b';
	keys[1].secret[0] ^= 1;
	config->cluster_keys.keys = keys;
	config->cluster_keys.nb_keys = 2;
	config->cluster_keys.primary = 'b';
	env.prev = snapshot;
	next = build(&env);
	ck_assert_int_eq(next->keys[next->primary_key].id, 'b');
	ck_assert_int_eq(next->keys[next->prev_primary_key].id, 'a');
	ck_assert_uint_eq(next->prev_key_until_ms, 1000 + SNAPSHOT_WINDOW_MS);
	// The tables do not depend on which key signs.
	ck_assert_mem_eq(next->table_key, snapshot->table_key, 16);
	// A reload inside the window does not prolong it, one after it ends it.
	env.prev = next;
	env.now_ms = 20000;
	later = build(&env);
	ck_assert_uint_eq(later->prev_key_until_ms, 1000 + SNAPSHOT_WINDOW_MS);
	ck_assert_int_eq(later->keys[later->prev_primary_key].id, 'a');
	free(later);
	env.now_ms = 40000;
	later = build(&env);
	ck_assert_int_eq(later->keys[later->prev_primary_key].id, 'b');
	free(later);
	free(next);
	config->cluster_keys = before;
}
END_TEST

START_TEST(probes_have_a_listener_that_only_backends_may_use)
{
	const struct snapshot_env env = {0};
	const struct endpoint to = {{4, {10, 20, 1, 11}}, 5060};
	const struct snapshot_listener *listener;
	char text[ENDPOINT_TEXT_MAX];
	uint16_t i;

	snapshot = build(&env);
	ck_assert_uint_eq(snapshot->listeners.nb, 3);
	i = probe_listener_find(&lab.control.config->dataplane, snapshot, 0, &to);
	ck_assert_uint_ne(i, SNAPSHOT_NONE);
	listener = snapshot_listener(snapshot, i);
	endpoint_format(&listener->local, text);
	ck_assert_str_eq(text, "10.20.1.10:5060");
	ck_assert_uint_eq(listener->nb_acl_allow, 4);
	ck_assert_uint_eq(
		SNAPSHOT_AT(snapshot, acl, snapshot_prefix, listener->acl_allow)->len, 32);
	// Calls go on to leave from the service's own.
	ck_assert_uint_ne(snapshot_service(snapshot, 0)->listener_v4, i);
}
END_TEST

START_TEST(a_backend_of_another_family_has_no_listener)
{
	const struct snapshot_env env = {0};
	const struct endpoint six = {{6, {0x20, 1, 0xd, 0xb8}}, 5060};

	snapshot = build(&env);
	ck_assert_uint_eq(probe_listener_find(&lab.control.config->dataplane, snapshot, 0, &six),
		SNAPSHOT_NONE);
}
END_TEST

START_TEST(the_longest_prefix_wins)
{
	const struct snapshot_route routes[] = {
		{.prefix = {4, {0}}, .prefix_len = 0, .port = 0},
		{.prefix = {4, {10, 20, 1, 128}}, .prefix_len = 25, .port = 2},
		{.prefix = {4, {10, 20, 1, 0}}, .prefix_len = 24, .port = 1},
	};

	ck_assert_uint_eq(
		next_hop_find(routes, 3, &(struct ip_addr){4, {10, 20, 1, 200}})->port, 2);
	ck_assert_uint_eq(
		next_hop_find(routes, 3, &(struct ip_addr){4, {10, 20, 1, 100}})->port, 1);
	ck_assert_uint_eq(next_hop_find(routes, 3, &(struct ip_addr){4, {10, 20, 2, 1}})->port, 0);
	ck_assert_ptr_null(next_hop_find(routes, 3, &(struct ip_addr){6, {0x20}}));
}
END_TEST

START_TEST(says_what_moves)
{
	const struct snapshot_env env = {0};
	struct table_moves moves;
	struct snapshot *other;
	double shares[3];

	snapshot = build(&env);
	ck_assert(table_moves(snapshot, snapshot, "access", &moves));
	ck_assert_double_eq(moves.share, 0);
	ck_assert(!table_moves(snapshot, snapshot, "nobody", &moves));
	lab.control.config->services[0].backends[2].weight = 50;
	other = build(&env);
	ck_assert(table_moves(snapshot, other, "access", &moves));
	ck_assert_double_gt(moves.share, 0.1);
	ck_assert_double_eq_tol(moves.share, moves.ideal, 0.01);
	table_shares(other, table_find_service(other, "access"), shares);
	ck_assert_double_eq_tol(shares[2], 0.2, 0.01);
	ck_assert_double_eq_tol(shares[0] + shares[1] + shares[2], 1, 1e-9);
	free(other);
}
END_TEST

// The lab's backends are in the network of port 1, "core".
START_TEST(backends_are_barred_from_ports_where_they_cannot_be)
{
	const struct snapshot_env env = {0};

	snapshot = build(&env);
	for (uint16_t i = 0; i < snapshot->backends.nb; i++)
		ck_assert_uint_eq(snapshot_backend(snapshot, i)->barred_ports, 1 << 0);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("snapshot_make");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, works_without_a_daemon);
	tcase_add_test(tc, the_table_is_the_same_as_the_daemons);
	tcase_add_test(tc, a_key_that_signed_stays_for_the_window);
	tcase_add_test(tc, probes_have_a_listener_that_only_backends_may_use);
	tcase_add_test(tc, a_backend_of_another_family_has_no_listener);
	tcase_add_test(tc, the_longest_prefix_wins);
	tcase_add_test(tc, says_what_moves);
	tcase_add_test(tc, backends_are_barred_from_ports_where_they_cannot_be);
	return suite_run(tc);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "control/registrations_store.h"

#include "tests/control/redis_member.h"

#include <errno.h>

// One node: a store, its connection, and what it told its dataplane last.
struct node {
	struct event_base *base;
	struct redis *redis;
	struct registrations_store *r;
	bool up;
	unsigned int pushes, errors;
	char pushed_user[64];
	uint32_t pushed_backend, pushed_lifetime;
};

static void on_binding(
	void *arg, struct strv user, struct strv host, uint32_t backend_id, uint32_t lifetime_s)
{
	struct node *n = arg;

	n->pushes++;
	snprintf(n->pushed_user, sizeof(n->pushed_user), "%.*s@%.*s", (int)user.len, user.ptr,
		(int)host.len, host.ptr);
	n->pushed_backend = backend_id;
	n->pushed_lifetime = lifetime_s;
}

static void on_error(void *arg, const char *text)
{
	struct node *n = arg;

	n->errors++;
}

REDIS_MEMBER_CALLBACKS(struct node, r, registrations_store);
static const struct registrations_callbacks callbacks = {
	.on_binding = on_binding, .on_error = on_error};

static void node_start(struct node *n, const char *name, uint32_t max)
{
	struct registrations_options options = {.cluster = "c1", .node = name, .max = max};

	n->base = event_base_new();
	n->r = registrations_store_create(n->base, &options, &callbacks, n);
	ck_assert_ptr_nonnull(n->r);
}

static void node_connect(struct node *n, const struct redis_server *server)
{
	n->redis = redis_member_connect(n->base, server, &redis_callbacks, n);
	registrations_store_set_redis(n->r, n->redis);
}

static void node_stop(struct node *n)
{
	redis_destroy(n->redis);
	registrations_store_destroy(n->r);
	event_base_free(n->base);
}

// Turn the loops of both until a condition holds.

static bool synced(const struct node *n)
{
	return n->up && registrations_store_stale_s(n->r) == 0;
}

static int learn(struct node *n, const char *user, const char *contact, uint32_t backend_id,
	uint32_t expires_s)
{
	char backend[32];
	struct registrations_event event = {
		.user = strv_from(user),
		.host = STRV("Example.COM"),
		.contact = strv_from(contact),
		.backend_id = backend_id,
		.expires_s = expires_s,
		.listener_id = 77,
		.flow = {.ip = {.family = 4, .octets = {198, 51, 100, 7}}, .port = 5062},
	};

	snprintf(backend, sizeof(backend), "access/kam%u", backend_id);
	event.backend = strv_from(backend);
	return registrations_store_learn(n->r, &event);
}

struct found {
	uint32_t nb;
	char contact[64], backend[64], node[64];
	double expires_s;
	bool stale;
};

static bool keep(const struct registration *g, void *arg)
{
	struct found *f = arg;

	f->nb++;
	snprintf(f->contact, sizeof(f->contact), "%.*s", (int)g->contact.len, g->contact.ptr);
	snprintf(f->backend, sizeof(f->backend), "%s", g->backend);
	snprintf(f->node, sizeof(f->node), "%s", g->node);
	f->expires_s = g->expires_s;
	f->stale = g->stale;
	ck_assert_uint_eq(g->listener_id, 77);
	ck_assert_uint_eq(g->flow.port, 5062);
	return true;
}

static struct found find(const struct node *n, const char *user)
{
	struct found f = {0};

	registrations_store_find(n->r, strv_from(user), STRV("EXAMPLE.com"), keep, &f);
	return f;
}

// ---- One node, no Redis ------------------------------------------------------------------------

START_TEST(learns_lists_and_tells_the_dataplane)
{
	struct node a = {0};
	struct found f;

	node_start(&a, "a", 10);
	ck_assert_int_eq(learn(&a, "alice", "sip:alice@198.51.100.7:5062", 1, 60), 0);
	f = find(&a, "alice");
	ck_assert_uint_eq(f.nb, 1);
	ck_assert_str_eq(f.contact, "sip:alice@198.51.100.7:5062");
	ck_assert_str_eq(f.backend, "access/kam1");
	ck_assert_str_eq(f.node, "a");
	ck_assert(f.expires_s > 59 && f.expires_s <= 60);
	ck_assert(!f.stale);
	ck_assert_str_eq(a.pushed_user, "alice@example.com");
	ck_assert_uint_eq(a.pushed_backend, 1);
	ck_assert_uint_eq(a.pushed_lifetime, 60);
	ck_assert_uint_eq(find(&a, "Alice").nb, 0); // the user part is case-sensitive
	ck_assert_uint_eq(registrations_store_stats(a.r).nb, 1);
	node_stop(&a);
}
END_TEST

START_TEST(the_newest_binding_decides_the_backend)
{
	struct node a = {0};

	node_start(&a, "a", 10);
	learn(&a, "alice", "sip:1@h", 1, 60);
	learn(&a, "alice", "sip:2@h", 2, 60);
	ck_assert_uint_eq(a.pushed_backend, 2);
	learn(&a, "alice", "sip:2@h", 2, 0);
	ck_assert_uint_eq(a.pushed_backend, 1);
	learn(&a, "alice", "", 1, 0);
	ck_assert_uint_eq(a.pushed_backend, 0);
	ck_assert_uint_eq(a.pushed_lifetime, 0);
	ck_assert_uint_eq(find(&a, "alice").nb, 0);
	ck_assert_uint_eq(registrations_store_stats(a.r).nb, 0);
	node_stop(&a);
}
END_TEST

START_TEST(expires_by_itself)
{
	struct node a = {0};
	uint64_t start = test_now_ms();

	node_start(&a, "a", 10);
	learn(&a, "alice", "sip:1@h", 1, 2);
	learn(&a, "bob", "sip:1@h", 1, 3600);
	run_for(a.base, 1000);
	ck_assert(find(&a, "alice").nb == 1 || test_now_ms() - start > 1900);
	run_for(a.base, 1100);
	ck_assert_uint_eq(find(&a, "alice").nb, 0);
	RUN(&a, registrations_store_stats(a.r).nb == 1, 2000);
	ck_assert_str_eq(a.pushed_user, "alice@example.com");
	ck_assert_uint_eq(a.pushed_backend, 0);
	ck_assert_uint_eq(find(&a, "bob").nb, 1);
	node_stop(&a);
}
END_TEST

START_TEST(is_bounded)
{
	struct node a = {0};
	char contact[32];

	node_start(&a, "a", 100);
	for (unsigned int i = 0; i < 200; i++) {
		snprintf(contact, sizeof(contact), "sip:%u@h", i);
		ck_assert_int_eq(learn(&a, i < 60 ? "alice" : contact, contact, 1, 60),
			i < 32            ? 0
				: i < 60  ? -ENOSPC
				: i < 128 ? 0
					  : -ENOSPC);
	}
	ck_assert_uint_eq(find(&a, "alice").nb, REGISTRATIONS_CONTACTS_MAX);
	ck_assert_uint_eq(registrations_store_stats(a.r).nb, 100);
	ck_assert_uint_eq(registrations_store_stats(a.r).refused, 28 + 72);
	// What is there can still be refreshed.
	ck_assert_int_eq(learn(&a, "alice", "sip:1@h", 2, 60), 0);
	node_stop(&a);
}
END_TEST

START_TEST(refuses_what_is_too_long)
{
	struct node a = {0};
	char longer[2000];

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	node_start(&a, "a", 100);
	ck_assert_int_eq(learn(&a, longer, "sip:1@h", 1, 60), -EINVAL);
	ck_assert_int_eq(learn(&a, "alice", longer, 1, 60), -EINVAL);
	ck_assert_int_eq(learn(&a, "", "sip:1@h", 1, 60), 0); // sip:example.com
	ck_assert_uint_eq(find(&a, "").nb, 1);
	node_stop(&a);
}
END_TEST

static bool count(const struct registration *g, void *arg)
{
	++*(unsigned int *)arg;
	return *(unsigned int *)arg < 4000;
}

START_TEST(holds_many_and_can_be_told_again)
{
	struct node a = {0};
	char user[32];
	unsigned int nb = 0;

	node_start(&a, "a", 100000);
	for (unsigned int i = 0; i < 50000; i++) {
		snprintf(user, sizeof(user), "user%u", i);
		ck_assert_int_eq(learn(&a, user, "sip:1@h", 1, 60 + i % 6000), 0);
	}
	for (unsigned int i = 0; i < 50000; i += 777) {
		snprintf(user, sizeof(user), "user%u", i);
		ck_assert_uint_eq(find(&a, user).nb, 1);
	}
	a.pushes = 0;
	registrations_store_push_all(a.r);
	ck_assert_uint_eq(a.pushes, 50000);
	registrations_store_each(a.r, count, &nb);
	ck_assert_uint_eq(nb, 4000);
	node_stop(&a);
}
END_TEST

// ---- With Redis --------------------------------------------------------------------------------

START_TEST(two_nodes_see_each_others_changes_in_under_a_second)
{
	struct redis_server server = {0};
	struct node a = {0}, b = {0};
	uint64_t best = UINT64_MAX;

	redis_server_start(&server);
	node_start(&a, "a", 100);
	node_start(&b, "b", 100);
	node_connect(&a, &server);
	node_connect(&b, &server);
	RUN_BOTH(&a, &b, synced(&a) && synced(&b), 2000);

	// The best of three: the machine may be busy.
	for (unsigned int i = 0; i < 3; i++) {
		const char *const users[] = {"ann", "ben", "cid"};
		uint64_t start = test_now_ms();

		learn(&a, users[i], "sip:1@h", 1, 600);
		RUN_BOTH(&a, &b, find(&b, users[i]).nb == 1, 1000);
		if (test_now_ms() - start < best)
			best = test_now_ms() - start;
	}
	ck_assert_uint_lt(best, 1000);
	ck_assert_str_eq(find(&b, "ann").node, "a");
	ck_assert_str_eq(b.pushed_user, "cid@example.com");
	ck_assert_uint_eq(b.pushed_backend, 1);

	learn(&b, "ann", "sip:1@h", 2, 600);
	RUN_BOTH(&a, &b, a.pushed_backend == 2, 1000);
	learn(&b, "ann", "sip:1@h", 2, 0);
	RUN_BOTH(&a, &b, find(&a, "ann").nb == 0, 1000);

	// It goes by itself, from both nodes and from Redis.
	learn(&a, "alice", "sip:1@h", 1, 2);
	test_sleep_ms(2100);
	ck_assert_uint_eq(find(&a, "alice").nb, 0);
	RUN_BOTH(&a, &b,
		registrations_store_stats(a.r).nb == 2 && registrations_store_stats(b.r).nb == 2,
		2000);
	test_sleep_ms(2100);
	ck_assert_int_eq(redis_server_number(&server, "EXISTS " PREFIX "reg:alice@example.com"), 0);
	ck_assert_uint_eq(a.errors + b.errors, 0);
	node_stop(&a);
	node_stop(&b);
	redis_server_stop(&server);
}
END_TEST

START_TEST(a_new_node_loads_everything)
{
	struct redis_server server = {0};
	struct node a = {0}, b = {0};
	char user[32];

	redis_server_start(&server);
	node_start(&a, "a", 20000);
	node_start(&b, "b", 20000);
	node_connect(&a, &server);
	RUN(&a, synced(&a), 2000);
	for (unsigned int i = 0; i < 10000; i++) {
		snprintf(user, sizeof(user), "user%u", i);
		ck_assert_int_eq(learn(&a, user, "sip:1@h", 1 + i % 3, 600), 0);
	}
	// More than the client's queue takes at once: the rest follows.
	RUN(&a, registrations_store_stats(a.r).nb_dirty == 0 && redis_pending(a.redis) == 0, 10000);
	node_connect(&b, &server);
	RUN(&b, synced(&b), 10000);
	ck_assert_uint_eq(registrations_store_stats(b.r).nb, 10000);
	ck_assert_uint_eq(registrations_store_stats(b.r).nb_dirty, 0);
	ck_assert_str_eq(find(&b, "user9999").node, "a");
	node_stop(&a);
	node_stop(&b);
	redis_server_stop(&server);
}
END_TEST

START_TEST(writes_only_changes_and_every_half_lifetime)
{
	struct redis_server server = {0};
	struct node a = {0};

	redis_server_start(&server);
	node_start(&a, "a", 100);
	node_connect(&a, &server);
	RUN(&a, synced(&a), 2000);
	for (unsigned int i = 0; i < 20; i++) {
		learn(&a, "alice", "sip:1@h", 1, 10);
		run_for(a.base, 10);
	}
	ck_assert_uint_eq(registrations_store_stats(a.r).writes, 1);
	// The refresh that was kept back is written when half of the lifetime is over.
	RUN(&a, registrations_store_stats(a.r).writes == 2, 8000);
	learn(&a, "alice", "sip:1@h", 2, 10);
	ck_assert_uint_eq(registrations_store_stats(a.r).writes, 3);
	learn(&a, "alice", "sip:1@h", 2, 5); // a shorter life is a change
	ck_assert_uint_eq(registrations_store_stats(a.r).writes, 4);
	node_stop(&a);
	redis_server_stop(&server);
}
END_TEST

START_TEST(redis_lost_keeps_all_and_marks_others_stale)
{
	struct redis_server server = {0};
	struct node a = {0}, b = {0};

	redis_server_start(&server);
	node_start(&a, "a", 100);
	node_start(&b, "b", 100);
	node_connect(&a, &server);
	node_connect(&b, &server);
	RUN_BOTH(&a, &b, synced(&a) && synced(&b), 2000);
	learn(&a, "alice", "sip:1@h", 1, 600);
	learn(&a, "carol", "sip:1@h", 1, 600);
	learn(&b, "bob", "sip:1@h", 1, 600);
	RUN_BOTH(&a, &b, find(&b, "carol").nb == 1 && find(&a, "bob").nb == 1, 1000);

	redis_server_kill(&server);
	RUN_BOTH(&a, &b, !a.up && !b.up, 2000);
	run_for(a.base, 20);
	ck_assert(registrations_store_stale_s(a.r) > 0);
	ck_assert(!find(&a, "alice").stale);
	ck_assert(find(&a, "bob").stale);
	ck_assert(find(&b, "alice").stale);
	// What happens meanwhile: the newest value per binding waits, not every change.
	for (unsigned int i = 0; i < 50; i++)
		learn(&a, "alice", "sip:1@h", 1 + i % 2, 600);
	learn(&a, "dave", "sip:1@h", 3, 600);
	learn(&b, "carol", "", 0, 0);
	ck_assert_uint_eq(registrations_store_stats(a.r).nb_dirty, 2);

	// It comes back empty: everything is there again, on both nodes, and the newest value wins.
	redis_server_spawn(&server);
	RUN_BOTH(&a, &b, synced(&a) && synced(&b), 3000);
	RUN_BOTH(&a, &b, find(&b, "dave").nb == 1 && find(&a, "carol").nb == 0, 1000);
	RUN_BOTH(&a, &b, strcmp(find(&b, "alice").backend, "access/kam2") == 0, 1000);
	ck_assert(!find(&a, "bob").stale);
	run_for(a.base, 300);
	ck_assert_int_eq(redis_server_number(&server,
				 "EXISTS " PREFIX "reg:bob@example.com " PREFIX
				 "reg:alice@example.com " PREFIX "reg:dave@example.com"),
		3);
	ck_assert_uint_eq(a.errors + b.errors, 0);
	node_stop(&a);
	node_stop(&b);
	redis_server_stop(&server);
}
END_TEST

START_TEST(an_older_value_never_replaces_a_newer_one)
{
	struct redis_server server = {0};
	struct node a = {0}, b = {0};
	redisReply *reply;

	redis_server_start(&server);
	node_start(&a, "a", 100);
	node_start(&b, "b", 100);
	learn(&a, "alice", "sip:1@h", 1, 600); // known before there was a Redis
	test_sleep_ms(5);
	node_connect(&b, &server);
	RUN(&b, synced(&b), 2000);
	learn(&b, "alice", "sip:1@h", 2, 600);
	RUN(&b, redis_pending(b.redis) == 0, 1000);
	node_connect(&a, &server);
	RUN_BOTH(&a, &b, synced(&a), 2000);
	RUN_BOTH(&a, &b, redis_pending(a.redis) == 0, 1000);
	ck_assert_str_eq(find(&a, "alice").backend, "access/kam2");
	ck_assert_str_eq(find(&b, "alice").backend, "access/kam2");
	reply = redis_server_ask(&server, "HGET " PREFIX "reg:alice@example.com sip:1@h");
	ck_assert_ptr_nonnull(strstr(reply->str, "access/kam2"));
	freeReplyObject(reply);
	node_stop(&a);
	node_stop(&b);
	redis_server_stop(&server);
}
END_TEST

START_TEST(foreign_and_broken_values_are_passed_over)
{
	struct redis_server server = {0};
	struct node a = {0};
	static const char *const junk[] = {
		"SET " PREFIX "reg:string@example.com x",
		"HSET " PREFIX "reg: f v",
		"HSET " PREFIX "reg:@ f v",
		"HSET " PREFIX "reg:alice@example.com sip:1@h garbage",
		"HSET " PREFIX "reg:bob@example.com sip:1@h "
		"9007199254740990_1700003600000_0_1_1_192.0.2.1:5060_n_s/b", // the far future
		"XADD " PREFIX "reg-changes * k x f y v z",
		"XADD " PREFIX "reg-changes * only one",
		"XADD " PREFIX "reg-changes * k " PREFIX "reg:x@y f c v 1",
		"SET other:key 1",
	};

	redis_server_start(&server);
	for (unsigned int i = 0; i < sizeof(junk) / sizeof(junk[0]); i++)
		freeReplyObject(redis_server_ask(&server, junk[i], NULL));
	node_start(&a, "a", 100);
	node_connect(&a, &server);
	RUN(&a, synced(&a), 2000);
	for (unsigned int i = 5; i < sizeof(junk) / sizeof(junk[0]); i++)
		freeReplyObject(redis_server_ask(&server, junk[i], NULL));
	learn(&a, "alice", "sip:1@h", 1, 600);
	RUN(&a, registrations_store_stats(a.r).malformed >= 3 && a.errors >= 1, 2000);
	ck_assert(a.up);
	ck_assert_uint_eq(registrations_store_stats(a.r).nb, 1);
	ck_assert_uint_ge(registrations_store_stats(a.r).malformed, 3);
	ck_assert_uint_ge(a.errors, 1); // WRONGTYPE
	node_stop(&a);
	redis_server_stop(&server);
}
END_TEST

START_TEST(a_stream_trimmed_too_far_leads_to_a_full_load)
{
	struct redis_server server = {0};
	struct node a = {0}, b = {0};
	char user[32];

	redis_server_start(&server);
	node_start(&a, "a", 20000);
	node_start(&b, "b", 20000);
	node_connect(&a, &server);
	node_connect(&b, &server);
	RUN_BOTH(&a, &b, synced(&a) && synced(&b), 2000);
	// b does not run while a writes and the stream loses its beginning.
	for (unsigned int i = 0; i < 5000; i++) {
		snprintf(user, sizeof(user), "user%u", i);
		learn(&a, user, "sip:1@h", 1, 600);
	}
	RUN(&a, registrations_store_stats(a.r).nb_dirty == 0 && redis_pending(a.redis) == 0, 5000);
	freeReplyObject(redis_server_ask(&server, "XTRIM " PREFIX "reg-changes MAXLEN 1500"));
	RUN_BOTH(&a, &b, registrations_store_stats(b.r).nb == 5000, 3000);
	node_stop(&a);
	node_stop(&b);
	redis_server_stop(&server);
}
END_TEST

START_TEST(a_script_flush_is_healed)
{
	struct redis_server server = {0};
	struct node a = {0};

	redis_server_start(&server);
	node_start(&a, "a", 100);
	node_connect(&a, &server);
	RUN(&a, synced(&a), 2000);
	freeReplyObject(redis_server_ask(&server, "SCRIPT FLUSH"));
	learn(&a, "alice", "sip:1@h", 1, 600);
	RUN(&a, a.errors == 1, 1000);
	for (unsigned int i = 0; i < 50; i++) {
		if (redis_server_number(&server, "EXISTS " PREFIX "reg:alice@example.com") == 1)
			break;
		run_for(a.base, 100);
	}
	ck_assert_int_eq(redis_server_number(&server, "EXISTS " PREFIX "reg:alice@example.com"), 1);
	node_stop(&a);
	redis_server_stop(&server);
}
END_TEST

START_TEST(the_stream_of_changes_is_trimmed)
{
	struct redis_server server = {0};
	struct node a = {0};

	redis_server_start(&server);
	node_start(&a, "a", 100);
	node_connect(&a, &server);
	RUN(&a, synced(&a), 2000);
	for (unsigned int i = 0; i < 110000; i++) {
		learn(&a, "alice", "sip:1@h", 1 + i % 2, 600);
		if (i % 1000 == 0)
			RUN(&a, redis_pending(a.redis) == 0, 5000);
	}
	ck_assert_int_lt(redis_server_number(&server, "XLEN " PREFIX "reg-changes"), 101000);
	ck_assert_int_gt(redis_server_number(&server, "XLEN " PREFIX "reg-changes"), 90000);
	node_stop(&a);
	redis_server_stop(&server);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("registrations_store");
	TCase *local = tcase_create("local"), *shared = tcase_create("redis");
	SRunner *runner;
	int failed;

	signal(SIGPIPE, SIG_IGN); // as the control process does
	tcase_set_timeout(local, 60);
	tcase_add_test(local, learns_lists_and_tells_the_dataplane);
	tcase_add_test(local, the_newest_binding_decides_the_backend);
	tcase_add_test(local, expires_by_itself);
	tcase_add_test(local, is_bounded);
	tcase_add_test(local, refuses_what_is_too_long);
	tcase_add_test(local, holds_many_and_can_be_told_again);
	suite_add_tcase(suite, local);
	tcase_set_timeout(shared, 120);
	tcase_add_test(shared, two_nodes_see_each_others_changes_in_under_a_second);
	tcase_add_test(shared, a_new_node_loads_everything);
	tcase_add_test(shared, writes_only_changes_and_every_half_lifetime);
	tcase_add_test(shared, redis_lost_keeps_all_and_marks_others_stale);
	tcase_add_test(shared, an_older_value_never_replaces_a_newer_one);
	tcase_add_test(shared, foreign_and_broken_values_are_passed_over);
	tcase_add_test(shared, a_stream_trimmed_too_far_leads_to_a_full_load);
	tcase_add_test(shared, a_script_flush_is_healed);
	tcase_add_test(shared, the_stream_of_changes_is_trimmed);
	suite_add_tcase(suite, shared);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

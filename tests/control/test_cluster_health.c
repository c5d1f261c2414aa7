// SPDX-License-Identifier: BSD-3-Clause
#include "control/cluster_health.h"

#include "tests/control/redis_member.h"

struct member {
	struct event_base *base;
	struct redis *redis;
	struct cluster_health *health;
	bool up;
	unsigned int views;
	unsigned int revisions;
	uint64_t revision;
};

static void on_revision(void *arg, uint64_t revision)
{
	struct member *m = arg;

	m->revisions++;
	m->revision = revision;
}

static void on_views(void *arg)
{
	struct member *m = arg;

	m->views++;
}

REDIS_MEMBER_CALLBACKS(struct member, health, cluster_health);
static const struct cluster_health_callbacks callbacks = {
	.on_revision = on_revision, .on_views = on_views};

static void member_start(struct member *m, const char *name, const struct redis_server *server)
{
	struct cluster_health_options options = {
		.cluster = "c1", .node = name, .lease_ms = 900, .publish_ms = 100};

	m->base = event_base_new();
	m->health = cluster_health_create(m->base, &options, &callbacks, m);
	ck_assert_ptr_nonnull(m->health);
	m->redis = redis_member_connect(m->base, server, &redis_callbacks, m);
	cluster_health_set_redis(m->health, m->redis);
}

static void member_stop(struct member *m)
{
	redis_destroy(m->redis);
	cluster_health_destroy(m->health);
	event_base_free(m->base);
}

// b reads a's view as soon as a lease would name a new revision.
#define RUN_SEEING(a, b, condition, ms) \
	RUN_BOTH_AND(a, b, cluster_health_seen((b)->health, "a", (a)->revision), condition, ms)

START_TEST(a_view_is_published_and_read)
{
	struct redis_server server = {0};
	struct member a = {0}, b = {0};
	char path[32];

	redis_server_start(&server);
	member_start(&a, "a", &server);
	member_start(&b, "b", &server);
	for (unsigned int i = 1000; i-- > 0;) {
		snprintf(path, sizeof(path), "access/kam%u", i);
		ck_assert_int_eq(cluster_health_set(a.health, path,
					 (enum health_state)(1 + i % (HEALTH_STATES - 1))),
			0);
	}
	RUN_SEEING(&a, &b, b.views == 1, 2000);
	for (unsigned int i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "access/kam%u", i);
		ck_assert_int_eq(
			cluster_health_get(b.health, "a", path), 1 + i % (HEALTH_STATES - 1));
	}
	ck_assert_int_eq(cluster_health_get(b.health, "a", "access/none"), HEALTH_UNKNOWN);
	ck_assert_int_eq(cluster_health_get(b.health, "z", "access/kam1"), HEALTH_UNKNOWN);
	// An unchanged revision is not read again.
	RUN_SEEING(&a, &b, a.revisions >= 4, 3000);
	ck_assert_uint_eq(b.views, 1);
	member_stop(&a);
	member_stop(&b);
	redis_server_stop(&server);
}
END_TEST

START_TEST(changes_follow_and_a_backend_that_is_gone_disappears)
{
	struct redis_server server = {0};
	struct member a = {0}, b = {0};

	redis_server_start(&server);
	member_start(&a, "a", &server);
	member_start(&b, "b", &server);
	cluster_health_set(a.health, "s/b1", HEALTH_UP);
	cluster_health_set(a.health, "s/b2", HEALTH_UP);
	RUN_SEEING(&a, &b, cluster_health_get(b.health, "a", "s/b2") == HEALTH_UP, 2000);
	cluster_health_set(a.health, "s/b2", HEALTH_DOWN);
	RUN_SEEING(&a, &b, cluster_health_get(b.health, "a", "s/b2") == HEALTH_DOWN, 1000);
	cluster_health_set(a.health, "s/b1", HEALTH_UNKNOWN);
	RUN_SEEING(&a, &b, cluster_health_get(b.health, "a", "s/b1") == HEALTH_UNKNOWN, 1000);
	ck_assert_int_eq(cluster_health_get(b.health, "a", "s/b2"), HEALTH_DOWN);
	cluster_health_forget(b.health, "a");
	ck_assert_int_eq(cluster_health_get(b.health, "a", "s/b2"), HEALTH_UNKNOWN);
	member_stop(&a);
	member_stop(&b);
	redis_server_stop(&server);
}
END_TEST

START_TEST(a_view_outlives_redis_and_is_there_again_after_it)
{
	struct redis_server server = {0};
	struct member a = {0}, b = {0};

	redis_server_start(&server);
	member_start(&a, "a", &server);
	member_start(&b, "b", &server);
	cluster_health_set(a.health, "s/b1", HEALTH_UP);
	RUN_SEEING(&a, &b, cluster_health_get(b.health, "a", "s/b1") == HEALTH_UP, 2000);
	redis_server_kill(&server);
	RUN_SEEING(&a, &b, !a.up && !b.up, 1000);
	ck_assert_int_eq(cluster_health_get(b.health, "a", "s/b1"), HEALTH_UP);
	redis_server_spawn(&server);
	RUN_SEEING(&a, &b, a.up && b.up, 2000);
	run_for(a.base, 300);
	ck_assert_int_eq(redis_server_number(&server, "EXISTS " PREFIX "health:a"), 1);
	// A node that stops takes its view along.
	redis_destroy(a.redis);
	a.redis = NULL;
	test_sleep_ms(1000);
	ck_assert_int_eq(redis_server_number(&server, "EXISTS " PREFIX "health:a"), 0);
	cluster_health_set_redis(a.health, NULL);
	member_stop(&a);
	member_stop(&b);
	redis_server_stop(&server);
}
END_TEST

START_TEST(broken_views_are_read_as_far_as_they_make_sense)
{
	struct redis_server server = {0};
	struct member b = {0};

	redis_server_start(&server);
	freeReplyObject(redis_server_ask(&server, "HSET " PREFIX "health:a state %s",
		"s/b1=u = =u x=z s/b1=d  s/b2=d s/b3 s/b4=uu=u s/b5="));
	freeReplyObject(redis_server_ask(&server, "SET " PREFIX "health:c x"));
	freeReplyObject(redis_server_ask(&server, "HSET " PREFIX "health:d other 1"));
	member_start(&b, "b", &server);
	ck_assert(run_until(b.base, &b.up, 2000));
	cluster_health_seen(b.health, "a", 1);
	cluster_health_seen(b.health, "c", 1);
	cluster_health_seen(b.health, "d", 1);
	run_for(b.base, 300);
	ck_assert(b.up);
	ck_assert_int_eq(cluster_health_get(b.health, "a", "s/b1"), HEALTH_UP);
	ck_assert_int_eq(cluster_health_get(b.health, "a", "s/b2"), HEALTH_DOWN);
	ck_assert_int_eq(cluster_health_get(b.health, "a", "x"), HEALTH_UNKNOWN);
	ck_assert_int_eq(cluster_health_get(b.health, "a", "s/b5"), HEALTH_UNKNOWN);
	ck_assert_int_eq(cluster_health_get(b.health, "c", "s/b1"), HEALTH_UNKNOWN);
	member_stop(&b);
	redis_server_stop(&server);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cluster_health");
	TCase *tcase = tcase_create("health");
	SRunner *runner;
	int failed;

	signal(SIGPIPE, SIG_IGN); // as the control process does
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_view_is_published_and_read);
	tcase_add_test(tcase, changes_follow_and_a_backend_that_is_gone_disappears);
	tcase_add_test(tcase, a_view_outlives_redis_and_is_there_again_after_it);
	tcase_add_test(tcase, broken_views_are_read_as_far_as_they_make_sense);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

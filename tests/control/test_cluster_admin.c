// SPDX-License-Identifier: BSD-3-Clause
#include "control/cluster_admin.h"

#include "tests/control/redis_member.h"

#include <errno.h>

struct member {
	struct event_base *base;
	struct redis *redis;
	struct cluster_admin *admin;
	bool up;
	unsigned int nb;
	char path[128];
	struct override last;
};

static void on_override(void *arg, const char *path, const struct override *override)
{
	struct member *m = arg;

	m->nb++;
	snprintf(m->path, sizeof(m->path), "%s", path);
	m->last = *override;
}

REDIS_MEMBER_CALLBACKS(struct member, admin, cluster_admin);
static const struct cluster_admin_callbacks callbacks = {.on_override = on_override};

static void member_start(struct member *m)
{
	m->base = event_base_new();
	m->admin = cluster_admin_create(m->base, "c1", &callbacks, m);
	ck_assert_ptr_nonnull(m->admin);
}

static void member_connect(struct member *m, const struct redis_server *server)
{
	m->redis = redis_member_connect(m->base, server, &redis_callbacks, m);
	cluster_admin_set_redis(m->admin, m->redis);
}

static void member_stop(struct member *m)
{
	redis_destroy(m->redis);
	cluster_admin_destroy(m->admin);
	event_base_free(m->base);
}

static const struct override drain = {.set = true,
	.state = CONFIG_STATE_DRAIN,
	.configured = CONFIG_STATE_READY,
	.by = "ana",
	.reason = "disk swap, 50 % done\xc3\xa9",
	.when_ms = 1700000000123};

// ---- Text --------------------------------------------------------------------------------------

START_TEST(reads_what_it_writes)
{
	char text[CLUSTER_ADMIN_VALUE_MAX];
	struct override from = drain, to;

	from.revision = 1700000000123456;
	cluster_admin_format(&from, text);
	ck_assert_str_eq(text,
		"1700000000123456 drain ready 1700000000123 ana "
		"disk%20swap,%2050%20%25%20done%C3%A9");
	ck_assert_int_eq(cluster_admin_parse(strv_from(text), &to), 0);
	ck_assert(to.set);
	ck_assert_int_eq(to.state, CONFIG_STATE_DRAIN);
	ck_assert_int_eq(to.configured, CONFIG_STATE_READY);
	ck_assert_str_eq(to.by, from.by);
	ck_assert_str_eq(to.reason, from.reason);
	ck_assert_int_eq(to.when_ms, from.when_ms);
	ck_assert_uint_eq(to.revision, from.revision);

	from.set = false;
	strcpy(from.by, "-");
	from.reason[0] = '\0';
	cluster_admin_format(&from, text);
	ck_assert_str_eq(text, "1700000000123456 none ready 1700000000123 %2D -");
	ck_assert_int_eq(cluster_admin_parse(strv_from(text), &to), 0);
	ck_assert(!to.set);
	ck_assert_str_eq(to.by, "-");
	ck_assert_str_eq(to.reason, "");
}
END_TEST

START_TEST(the_longest_texts_fit_and_control_octets_do_not_travel)
{
	char text[CLUSTER_ADMIN_VALUE_MAX];
	struct override from = drain, to;

	from.revision = UINT64_C(9007199254740991);
	from.when_ms = INT64_C(999999999999999);
	memset(from.by, 0xff, sizeof(from.by) - 1);
	memset(from.reason, '\n', sizeof(from.reason) - 1);
	from.reason[10] = '\xff';
	ck_assert_uint_lt(cluster_admin_format(&from, text), sizeof(text));
	ck_assert_int_eq(cluster_admin_parse(strv_from(text), &to), 0);
	ck_assert_str_eq(to.by, from.by);
	ck_assert_uint_eq(strlen(to.reason), sizeof(from.reason) - 1);
	ck_assert_int_eq(to.reason[0], '?');
}
END_TEST

static const char *const malformed[] = {
	"",
	"1700000000123456",
	"170000000012345 drain ready 1 a b",
	"1700000000123456 gone ready 1 a b",
	"1700000000123456 drain none 1 a b",
	"1700000000123456 drain ready x a b",
	"1700000000123456 drain ready  a b",
	"1700000000123456 drain ready 1 a",
	"1700000000123456 drain ready 1 a ",
	"1700000000123456 drain ready 1  b",
	"1700000000123456 drain ready 1 a%2 b",
	"1700000000123456 drain ready 1 a b%",
	"1700000000123456 drain ready 1 a b%zz",
	"1700000000123456 drain ready 1 a b%1b[2J",
	"1700000000123456 drain ready 1 a b%1B[2J",
	"1700000000123456 drain ready 1 a b%00",
	("1700000000123456 drain ready 1 "
	 "0123456789012345678901234567890123456789012345678901234567890123 b"),
};

START_TEST(refuses_malformed)
{
	struct override to;
	size_t len = strlen(malformed[_i]);
	char *exact = malloc(len + 1);

	memcpy(exact, malformed[_i], len);
	exact = realloc(exact, len > 0 ? len : 1);
	ck_assert_int_eq(cluster_admin_parse((struct strv){exact, len}, &to), -EBADMSG);
	free(exact);
}
END_TEST

// ---- Shared ------------------------------------------------------------------------------------

START_TEST(reaches_other_nodes_and_is_withdrawn)
{
	struct redis_server server = {0};
	struct member a = {0}, b = {0};
	struct override ready = {.configured = CONFIG_STATE_READY, .by = "bob"};
	uint64_t first, second;

	redis_server_start(&server);
	member_start(&a);
	member_start(&b);
	member_connect(&a, &server);
	member_connect(&b, &server);
	RUN_BOTH(&a, &b, a.up && b.up, 2000);
	first = cluster_admin_set(a.admin, "access/kam1", &drain);
	ck_assert_uint_ne(first, 0);
	RUN_BOTH(&a, &b, b.nb == 1, 1000);
	ck_assert_str_eq(b.path, "access/kam1");
	ck_assert_int_eq(b.last.state, CONFIG_STATE_DRAIN);
	ck_assert_str_eq(b.last.by, "ana");
	ck_assert_uint_eq(b.last.revision, first);
	second = cluster_admin_set(b.admin, "access/kam1", &ready);
	ck_assert_uint_gt(second, first);
	RUN_BOTH(&a, &b, a.nb == 1, 1000);
	ck_assert(!a.last.set);
	ck_assert_str_eq(a.last.by, "bob");
	ck_assert_uint_eq(b.nb, 1);
	member_stop(&a);
	member_stop(&b);
	redis_server_stop(&server);
}
END_TEST

START_TEST(a_node_that_was_away_learns_it_and_an_old_wish_does_not_return)
{
	struct redis_server server = {0};
	struct member a = {0}, b = {0};
	struct override old = drain;

	redis_server_start(&server);
	member_start(&a);
	member_start(&b);
	// b was away with an older wish in its state file.
	old.state = CONFIG_STATE_MAINT;
	old.revision = 1500000000000000;
	ck_assert_uint_eq(cluster_admin_set(b.admin, "access/kam1", &old), old.revision);
	member_connect(&a, &server);
	RUN_BOTH(&a, &a, a.up, 2000);
	cluster_admin_set(a.admin, "access/kam1", &drain);
	RUN_BOTH(&a, &a, redis_pending(a.redis) == 0, 1000);
	run_for(a.base, 300);
	member_connect(&b, &server);
	RUN_BOTH(&a, &b, b.nb == 1, 2000);
	ck_assert_int_eq(b.last.state, CONFIG_STATE_DRAIN);
	run_for(b.base, 300);
	run_for(a.base, 300);
	ck_assert_uint_eq(a.nb, 0);
	ck_assert_int_eq(cluster_admin_get(b.admin, "access/kam1")->state, CONFIG_STATE_DRAIN);
	ck_assert_ptr_null(cluster_admin_get(b.admin, "access/kam2"));
	member_stop(&a);
	member_stop(&b);
	redis_server_stop(&server);
}
END_TEST

START_TEST(is_written_again_to_a_redis_that_lost_it)
{
	struct redis_server server = {0};
	struct member a = {0}, b = {0};

	redis_server_start(&server);
	member_start(&a);
	member_start(&b);
	member_connect(&a, &server);
	RUN_BOTH(&a, &a, a.up, 2000);
	cluster_admin_set(a.admin, "access/kam1", &drain);
	run_for(a.base, 100);
	redis_server_kill(&server);
	RUN_BOTH(&a, &a, !a.up, 1000);
	cluster_admin_set(a.admin, "access/kam2", &drain); // while it is away
	redis_server_spawn(&server);
	RUN_BOTH(&a, &a, a.up, 2000);
	member_connect(&b, &server);
	RUN_BOTH(&a, &b, b.nb == 2, 2000);
	ck_assert_int_eq(redis_server_number(&server, "HLEN " PREFIX "admin"), 2);
	ck_assert_int_eq(redis_server_number(&server, "TTL " PREFIX "admin"), -1);
	member_stop(&a);
	member_stop(&b);
	redis_server_stop(&server);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cluster_admin");
	TCase *tcase = tcase_create("admin");
	SRunner *runner;
	int failed;

	signal(SIGPIPE, SIG_IGN); // as the control process does
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, reads_what_it_writes);
	tcase_add_test(tcase, the_longest_texts_fit_and_control_octets_do_not_travel);
	tcase_add_loop_test(tcase, refuses_malformed, 0, sizeof(malformed) / sizeof(malformed[0]));
	tcase_add_test(tcase, reaches_other_nodes_and_is_withdrawn);
	tcase_add_test(tcase, a_node_that_was_away_learns_it_and_an_old_wish_does_not_return);
	tcase_add_test(tcase, is_written_again_to_a_redis_that_lost_it);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

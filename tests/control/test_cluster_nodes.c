// SPDX-License-Identifier: BSD-3-Clause
#include "control/cluster_nodes.h"

#include "tests/control/redis_member.h"

struct member {
	struct event_base *base;
	struct redis *redis;
	struct cluster_nodes *nodes;
	bool up;
	unsigned int changes, errors, mismatches;
	bool mismatch;
	char error[128];
};

static void on_changed(void *arg)
{
	struct member *m = arg;

	m->changes++;
}

static void on_mismatch(void *arg, const char *service, bool mismatch)
{
	struct member *m = arg;

	ck_assert_str_eq(service, "access");
	m->mismatches++;
	m->mismatch = mismatch;
}

static void on_error(void *arg, const char *text)
{
	struct member *m = arg;

	m->errors++;
	snprintf(m->error, sizeof(m->error), "%s", text);
}

REDIS_MEMBER_CALLBACKS(struct member, nodes, cluster_nodes);
static const struct cluster_nodes_callbacks callbacks = {
	.on_changed = on_changed, .on_mismatch = on_mismatch, .on_error = on_error};

static void member_start(struct member *m, const char *name, const struct redis_server *server)
{
	struct cluster_nodes_options options = {
		.cluster = "c1", .node = name, .version = "1.2.3", .lease_ms = 900, .poll_ms = 100};

	m->base = event_base_new();
	m->nodes = cluster_nodes_create(m->base, &options, &callbacks, m);
	ck_assert_ptr_nonnull(m->nodes);
	if (server == NULL)
		return;
	m->redis = redis_member_connect(m->base, server, &redis_callbacks, m);
	cluster_nodes_set_redis(m->nodes, m->redis);
}

static void member_stop(struct member *m)
{
	redis_destroy(m->redis);
	cluster_nodes_destroy(m->nodes);
	event_base_free(m->base);
}

static const struct cluster_node *other(const struct member *m)
{
	return cluster_nodes_nb(m->nodes) < 2 ? NULL : cluster_nodes_at(m->nodes, 1);
}

static bool sees(const struct member *m, enum cluster_node_state state)
{
	return other(m) != NULL && other(m)->state == state;
}

static void set_table(struct member *m, uint64_t hash)
{
	struct cluster_table table = {.service = "access", .hash = hash};

	cluster_nodes_set_config(m->nodes, 0xabcdef0123456789, 42);
	cluster_nodes_set_tables(m->nodes, &table, 1);
}

START_TEST(without_redis_it_is_a_cluster_of_one)
{
	struct member a = {0};

	member_start(&a, "a", NULL);
	run_for(a.base, 300);
	ck_assert_uint_eq(cluster_nodes_nb(a.nodes), 1);
	ck_assert(cluster_nodes_at(a.nodes, 0)->self);
	ck_assert_int_eq(cluster_nodes_at(a.nodes, 0)->state, CLUSTER_NODE_ALIVE);
	member_stop(&a);
}
END_TEST

START_TEST(nodes_see_each_other_and_what_they_run_with)
{
	struct redis_server server = {0};
	struct member a = {0}, b = {0};

	redis_server_start(&server);
	member_start(&a, "a", &server);
	member_start(&b, "b", &server);
	set_table(&b, 0x1122334455667788);
	cluster_nodes_set_health_revision(b.nodes, 77);
	RUN_BOTH(&a, &b, sees(&a, CLUSTER_NODE_ALIVE) && sees(&b, CLUSTER_NODE_ALIVE), 2000);
	RUN_BOTH(&a, &b, other(&a)->health_revision == 77, 1000);
	ck_assert_str_eq(other(&a)->name, "b");
	ck_assert_str_eq(other(&a)->version, "1.2.3");
	ck_assert_uint_eq(other(&a)->config_digest, 0xabcdef0123456789);
	ck_assert_uint_eq(other(&a)->generation, 42);
	ck_assert_uint_eq(other(&a)->nb_tables, 1);
	ck_assert_str_eq(other(&a)->tables[0].service, "access");
	ck_assert_uint_eq(other(&a)->tables[0].hash, 0x1122334455667788);
	// Beyond the lease, too.
	RUN_BOTH(&a, &b, a.changes > 5 || b.changes > 5 || test_now_ms() % 1500 < 50, 3000);
	ck_assert(sees(&a, CLUSTER_NODE_ALIVE));
	member_stop(&a);
	member_stop(&b);
	redis_server_stop(&server);
}
END_TEST

START_TEST(a_node_that_stops_is_gone_after_its_lease)
{
	struct redis_server server = {0};
	struct member a = {0}, b = {0};
	uint64_t start;

	redis_server_start(&server);
	member_start(&a, "a", &server);
	member_start(&b, "b", &server);
	RUN_BOTH(&a, &b, sees(&a, CLUSTER_NODE_ALIVE), 2000);
	start = test_now_ms();
	run_for(a.base, 300); // b does not run
	ck_assert(sees(&a, CLUSTER_NODE_ALIVE));
	RUN_BOTH(&a, &a, sees(&a, CLUSTER_NODE_GONE), 2500);
	ck_assert_uint_lt(test_now_ms() - start, 5000);
	// And back.
	RUN_BOTH(&a, &b, sees(&a, CLUSTER_NODE_ALIVE), 2000);
	member_stop(&a);
	member_stop(&b);
	redis_server_stop(&server);
}
END_TEST

START_TEST(without_redis_others_are_unknown_not_gone)
{
	struct redis_server server = {0};
	struct member a = {0}, b = {0};

	redis_server_start(&server);
	member_start(&a, "a", &server);
	member_start(&b, "b", &server);
	RUN_BOTH(&a, &b, sees(&a, CLUSTER_NODE_ALIVE) && sees(&b, CLUSTER_NODE_ALIVE), 2000);
	redis_server_kill(&server);
	RUN_BOTH(&a, &b, !a.up && !b.up, 1000);
	ck_assert(sees(&a, CLUSTER_NODE_ALIVE));
	RUN_BOTH(&a, &b, sees(&a, CLUSTER_NODE_UNKNOWN), 2000);

	// Redis comes back without a memory: nobody is declared dead for that.
	redis_server_spawn(&server);
	a.changes = 0;
	RUN_BOTH(&a, &b, sees(&a, CLUSTER_NODE_ALIVE), 2000);
	ck_assert_uint_eq(a.changes, 1);
	member_stop(&a);
	member_stop(&b);
	redis_server_stop(&server);
}
END_TEST

START_TEST(different_tables_are_told_after_a_while_and_when_it_is_over)
{
	struct redis_server server = {0};
	struct member a = {0}, b = {0};

	redis_server_start(&server);
	member_start(&a, "a", &server);
	member_start(&b, "b", &server);
	set_table(&a, 1);
	set_table(&b, 1);
	RUN_BOTH(&a, &b, sees(&a, CLUSTER_NODE_ALIVE) && other(&a)->agrees, 2000);
	// A change that reaches one node a little later is none.
	set_table(&a, 2);
	RUN_BOTH(&a, &b, !other(&a)->agrees, 1000);
	set_table(&b, 2);
	RUN_BOTH(&a, &b, other(&a)->agrees, 1000);
	ck_assert_uint_eq(a.mismatches, 0);

	set_table(&b, 3);
	RUN_BOTH(&a, &b, a.mismatch && b.mismatch, 6000);
	ck_assert(cluster_nodes_mismatch(a.nodes, "access"));
	ck_assert(!cluster_nodes_mismatch(a.nodes, "other"));
	set_table(&a, 3);
	RUN_BOTH(&a, &b, !a.mismatch && !b.mismatch, 2000);
	ck_assert(!cluster_nodes_mismatch(a.nodes, "access"));
	ck_assert_uint_eq(a.mismatches, 2);
	member_stop(&a);
	member_stop(&b);
	redis_server_stop(&server);
}
END_TEST

START_TEST(two_processes_of_one_name_are_noticed)
{
	struct redis_server server = {0};
	struct member a = {0}, b = {0};

	redis_server_start(&server);
	member_start(&a, "a", &server);
	member_start(&b, "a", &server);
	RUN_BOTH(&a, &b, a.errors > 0, 4000);
	ck_assert_str_eq(a.error, "another process is node \"a\" too");
	member_stop(&a);
	member_stop(&b);
	redis_server_stop(&server);
}
END_TEST

START_TEST(foreign_and_broken_leases_do_no_harm)
{
	struct redis_server server = {0};
	struct member a = {0};
	char tables[8192] = "";

	redis_server_start(&server);
	for (unsigned int i = 0; i < 100; i++)
		sprintf(tables + strlen(tables), "service%u=%x,=,==;x", i, i);
	freeReplyObject(redis_server_ask(&server,
		"HSET " PREFIX "nodes %s 1 %s 1 '' 1 ok 1 string 1 junk 1", "x\033[2J",
		"longer-than-any-name-may-be-longer-than-any-name-may-be-longer-than-any"));
	freeReplyObject(redis_server_ask(&server,
		"HSET " PREFIX "node:junk tables %s generation zz config -1 version %s instance \n",
		tables, tables));
	freeReplyObject(redis_server_ask(&server, "HSET " PREFIX "node:ok version 9"));
	freeReplyObject(redis_server_ask(&server, "SET " PREFIX "node:string x"));
	for (unsigned int i = 0; i < 1000; i++)
		freeReplyObject(redis_server_ask(&server, "HSET " PREFIX "nodes n%u 1", i));
	member_start(&a, "a", &server);
	run_for(a.base, 1500);
	ck_assert(a.up);
	ck_assert_uint_le(cluster_nodes_nb(a.nodes), CLUSTER_NODES_MAX);
	for (uint32_t i = 0; i < cluster_nodes_nb(a.nodes); i++)
		ck_assert_ptr_null(strchr(cluster_nodes_at(a.nodes, i)->name, '\033'));
	member_stop(&a);
	redis_server_stop(&server);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cluster_nodes");
	TCase *tcase = tcase_create("nodes");
	SRunner *runner;
	int failed;

	signal(SIGPIPE, SIG_IGN); // as the control process does
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, without_redis_it_is_a_cluster_of_one);
	tcase_add_test(tcase, nodes_see_each_other_and_what_they_run_with);
	tcase_add_test(tcase, a_node_that_stops_is_gone_after_its_lease);
	tcase_add_test(tcase, without_redis_others_are_unknown_not_gone);
	tcase_add_test(tcase, different_tables_are_told_after_a_while_and_when_it_is_over);
	tcase_add_test(tcase, two_processes_of_one_name_are_noticed);
	tcase_add_test(tcase, foreign_and_broken_leases_do_no_harm);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

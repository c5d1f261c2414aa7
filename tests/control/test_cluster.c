// SPDX-License-Identifier: BSD-3-Clause
#include "control/cluster.h"

#include "control/registrations.h"
#include "control/reload.h"
#include "tests/control/lab.h"
#include "tests/control/redis_server.h"
#include "tests/control/suite.h"

#define PREFIX "sipshunt:{lab}:"
#define ADMIN_TEXT "admin: {socket: @DIR@/admin.sock"

static struct lab lab;
static struct redis_server server;

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN); // as the control process does
	redis_server_start(&server);
}

static void teardown(void)
{
	lab_stop(&lab);
	redis_server_stop(&server);
}

// lab_default with a `redis` section and, with `shared`, health checks that are shared out.
static const char *with_redis(bool shared)
{
	static char text[16384];
	char section[256];
	const char *edited =
		shared ? lab_edit("jitter: 0%", "jitter: 0%, owner: one") : lab_default;
	const char *mark = strstr(edited, ADMIN_TEXT);

	snprintf(section, sizeof(section),
		"redis: {address: \"unix:%s\", lease: 2s, publish_interval: 100ms}\n", server.path);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(mark - edited), edited, section, mark);
	return text;
}

static enum cluster_redis_state redis_state(void)
{
	struct cluster_redis_status status;

	cluster_redis_status(lab.control.cluster, &status);
	return status.state;
}

static bool is_connected(struct lab *l)
{
	return redis_state() == CLUSTER_REDIS_CONNECTED;
}

static bool is_stale(struct lab *l)
{
	return redis_state() == CLUSTER_REDIS_STALE;
}

static void ask(const char *command, const char *a, const char *b)
{
	redisReply *reply = redis_server_ask(&server, command, a, b);

	ck_assert_msg(reply->type != REDIS_REPLY_ERROR, "%s", reply->str);
	freeReplyObject(reply);
}

// ---- Without Redis -----------------------------------------------------------------------------

START_TEST(without_a_redis_section_it_is_a_cluster_of_one)
{
	struct override override = {.set = true, .state = CONFIG_STATE_DRAIN, .by = "ana"};
	struct cluster_redis_status status;
	struct backend *b1;

	lab_start(&lab, NULL);
	ck_assert(lab_until(&lab, lab_is_up));
	cluster_redis_status(lab.control.cluster, &status);
	ck_assert_int_eq(status.state, CLUSTER_REDIS_NONE);
	ck_assert(status.stale_s == 0);
	ck_assert_uint_eq(cluster_nb_nodes(lab.control.cluster), 1);
	ck_assert_str_eq(cluster_node(lab.control.cluster, 0)->name, "lb1");
	ck_assert_uint_eq(cluster_node(lab.control.cluster, 0)->nb_tables, 2);
	b1 = lab_backend(&lab, "access/b1");
	ck_assert(cluster_probes(lab.control.cluster, b1));
	control_backend_override(&lab.control, b1, &override, true);
	ck_assert_uint_ne(b1->override.revision, 0);
	ck_assert(!cluster_table_mismatch(lab.control.cluster, "access"));
	ck_assert_int_eq(b1->health.verdict, VERDICT_NONE);
}
END_TEST

START_TEST(every_function_takes_no_cluster)
{
	struct cluster_redis_status status;

	lab_load(&lab, NULL);
	cluster_redis_status(NULL, &status);
	ck_assert_int_eq(status.state, CLUSTER_REDIS_NONE);
	ck_assert_ptr_nonnull(status.stats);
	ck_assert_uint_eq(cluster_nb_nodes(NULL), 0);
	ck_assert(cluster_probes(NULL, lab_backend(&lab, "access/b1")));
	cluster_health_changed(NULL, lab_backend(&lab, "access/b1"));
	cluster_override_changed(NULL, lab_backend(&lab, "access/b1"));
	cluster_backend_removed(NULL, lab_backend(&lab, "access/b1"));
	cluster_tables_changed(NULL);
	cluster_reload(NULL);
	cluster_destroy(NULL);
}
END_TEST

// ---- The connection ----------------------------------------------------------------------------

START_TEST(redis_lost_is_stale_until_it_is_back)
{
	struct cluster_redis_status status;

	lab_start(&lab, with_redis(false));
	ck_assert(lab_until(&lab, is_connected));
	redis_server_kill(&server);
	ck_assert(lab_until(&lab, is_stale));
	lab_run_ms(&lab, 50);
	cluster_redis_status(lab.control.cluster, &status);
	ck_assert(status.stale_s > 0);
	ck_assert_ptr_nonnull(strstr(status.error, server.path));
	redis_server_spawn(&server);
	ck_assert(lab_until(&lab, is_connected));
	cluster_redis_status(lab.control.cluster, &status);
	ck_assert(status.stale_s == 0);
	ck_assert_str_eq(status.error, "");
	ck_assert_uint_eq(status.stats->connects, 2);
}
END_TEST

static bool has_answer;

static void on_reloaded(void *arg, json_t *answer)
{
	json_decref(answer);
	has_answer = true;
}

static bool is_reloaded(struct lab *l)
{
	return has_answer;
}

static void reload(const char *yaml)
{
	has_answer = false;
	lab_write(&lab, yaml);
	reload_start(&lab.control, false, on_reloaded, NULL);
	ck_assert(lab_until(&lab, is_reloaded));
}

START_TEST(a_reload_connects_and_disconnects)
{
	struct cluster_redis_status status;

	lab_start(&lab, NULL);
	ck_assert(lab_until(&lab, lab_is_up));
	reload(with_redis(false));
	ck_assert(lab_until(&lab, is_connected));
	// The same section again keeps the connection.
	reload(with_redis(false));
	ck_assert_int_eq(redis_state(), CLUSTER_REDIS_CONNECTED);
	reload(lab_default);
	cluster_redis_status(lab.control.cluster, &status);
	ck_assert_int_eq(status.state, CLUSTER_REDIS_NONE);
	ck_assert(status.stale_s == 0);
	// What was counted is not forgotten with the connection.
	ck_assert_uint_eq(status.stats->connects, 1);
	ck_assert(registrations_stale_s(lab.control.registrations) == 0);
}
END_TEST

// ---- Operators ---------------------------------------------------------------------------------

static bool b1_drains(struct lab *l)
{
	return lab_backend(l, "access/b1")->admin == CONFIG_STATE_DRAIN;
}

START_TEST(a_wish_of_another_node_is_adopted_if_made_against_the_same_value)
{
	const struct backend *b1, *b2;

	lab_start(&lab, with_redis(false));
	ck_assert(lab_until(&lab, is_connected));
	ask("HSET " PREFIX "admin access/b2 %s access/gone %s",
		"1700000000000000 drain maint 1700000000000 ana other",
		"1700000000000000 drain ready 1700000000000 ana other");
	ask("HSET " PREFIX "admin access/b1 %s edge/e1 %s",
		"1700000000000000 drain ready 1700000000000 ana disk%20swap", "nonsense");
	ask("XADD " PREFIX "admin-changes * k " PREFIX "admin f access/b1 v %s%s",
		"1700000000000000 drain ready 1700000000000 ana disk%20swap", "");
	ask("XADD " PREFIX "admin-changes * k " PREFIX "admin f access/b2 v %s%s",
		"1700000000000000 drain maint 1700000000000 ana other", "");
	ck_assert(lab_until(&lab, b1_drains));
	b1 = lab_backend(&lab, "access/b1");
	ck_assert_str_eq(b1->override.by, "ana");
	ck_assert_str_eq(b1->override.reason, "disk swap");
	ck_assert_uint_eq(b1->override.revision, 1700000000000000);
	lab_run_ms(&lab, 300);
	b2 = lab_backend(&lab, "access/b2");
	ck_assert_int_eq(b2->admin, CONFIG_STATE_READY);
	// A reload whose value is another one withdraws it for good.
	reload(lab_edit("{name: b1, ", "{name: b1, state: maint, "));
	ck_assert_int_eq(lab_backend(&lab, "access/b1")->admin, CONFIG_STATE_MAINT);
	reload(with_redis(false));
	lab_run_ms(&lab, 500);
	ck_assert_int_eq(lab_backend(&lab, "access/b1")->admin, CONFIG_STATE_READY);
}
END_TEST

// ---- Health ------------------------------------------------------------------------------------

// What two other nodes say about access/b1.
static void others_say(const char *state, const char *revision)
{
	static const char *const names[] = {"lb2", "lb3"};
	char command[256];

	for (unsigned int i = 0; i < 2; i++) {
		snprintf(command, sizeof(command), "HSET " PREFIX "health:%s state %%s%%s",
			names[i]);
		ask(command, "access/b1=", state);
		snprintf(command, sizeof(command),
			"HSET " PREFIX "node:%s instance x health %%s%%s", names[i]);
		ask(command, revision, "");
		ask("HSET " PREFIX "nodes %s %s", names[i], "1");
	}
}

static bool b1_is_down(struct lab *l)
{
	return lab_backend(l, "access/b1")->health.state == HEALTH_DOWN;
}

static bool b1_is_up(struct lab *l)
{
	return lab_backend(l, "access/b1")->health.state == HEALTH_UP;
}

START_TEST(more_than_half_of_the_probers_decide)
{
	const struct backend_health *health;

	lab_start(&lab, with_redis(true));
	ck_assert(lab_until(&lab, lab_is_up));
	ck_assert(lab_until(&lab, is_connected));
	others_say("d", "1");
	ck_assert(lab_until(&lab, b1_is_down));
	health = &lab_backend(&lab, "access/b1")->health;
	ck_assert_int_eq(health->own, HEALTH_UP);
	ck_assert_int_eq(health->verdict, VERDICT_DOWN);
	ck_assert_uint_eq(cluster_nb_nodes(lab.control.cluster), 3);
	ck_assert_int_eq(
		cluster_health_of(lab.control.cluster, "lb2", lab_backend(&lab, "access/b1")),
		HEALTH_DOWN);
	others_say("u", "2");
	ck_assert(lab_until(&lab, b1_is_up));
}
END_TEST

START_TEST(with_owner_any_the_others_are_only_shown)
{
	lab_start(&lab, with_redis(false));
	ck_assert(lab_until(&lab, lab_is_up));
	ck_assert(lab_until(&lab, is_connected));
	others_say("d", "1");
	lab_run_ms(&lab, 500);
	ck_assert_int_eq(lab_backend(&lab, "access/b1")->health.state, HEALTH_UP);
	ck_assert_int_eq(
		cluster_health_of(lab.control.cluster, "lb3", lab_backend(&lab, "access/b1")),
		HEALTH_DOWN);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("cluster");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, without_a_redis_section_it_is_a_cluster_of_one);
	tcase_add_test(tc, every_function_takes_no_cluster);
	tcase_add_test(tc, redis_lost_is_stale_until_it_is_back);
	tcase_add_test(tc, a_reload_connects_and_disconnects);
	tcase_add_test(tc, a_wish_of_another_node_is_adopted_if_made_against_the_same_value);
	tcase_add_test(tc, more_than_half_of_the_probers_decide);
	tcase_add_test(tc, with_owner_any_the_others_are_only_shown);
	return suite_run(tc);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "control/admin.h"

#include "control/admin_command.h"
#include "tests/control/lab.h"
#include "tests/control/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct lab lab;
static json_t *answer;

static void setup(void)
{
	lab_start(&lab, NULL);
	ck_assert(lab_until(&lab, lab_is_up));
	answer = NULL;
}

static void teardown(void)
{
	json_decref(answer);
	lab_stop(&lab);
}

static void command(const char *words, const char *options)
{
	json_decref(answer);
	answer = lab_command(&lab, words, options);
	ck_assert(json_is_object(answer));
	ck_assert_int_eq(json_integer_value(json_object_get(answer, "schema")), ADMIN_SCHEMA);
}

static void command_ok(const char *words, const char *options)
{
	command(words, options);
	ck_assert_msg(json_is_true(json_object_get(answer, "ok")), "%s: %s", words,
		json_string_value(json_object_get(answer, "error")));
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value != NULL ? value : "(none)";
}

static int64_t number(const json_t *object, const char *key)
{
	ck_assert_msg(json_is_number(json_object_get(object, key)), "%s", key);
	return (int64_t)json_number_value(json_object_get(object, key));
}

// ---- What is refused ----------------------------------------------------------------------------

static const struct {
	const char *request;
	int exit;
} refused[] = {
	{"", ADMIN_USAGE},
	{"nonsense", ADMIN_USAGE},
	{"[]", ADMIN_USAGE},
	{"{}", ADMIN_USAGE},
	{"{\"schema\":2,\"command\":[\"status\"]}", ADMIN_USAGE},
	{"{\"schema\":1}", ADMIN_USAGE},
	{"{\"schema\":1,\"command\":[]}", ADMIN_USAGE},
	{"{\"schema\":1,\"command\":\"status\"}", ADMIN_USAGE},
	{"{\"schema\":1,\"command\":[1]}", ADMIN_USAGE},
	{"{\"schema\":1,\"command\":[\"backend\"]}", ADMIN_USAGE},
	{"{\"schema\":1,\"command\":[\"backend\",\"lists\"]}", ADMIN_USAGE},
	{"{\"schema\":1,\"command\":[\"status\",\"x\"]}", ADMIN_USAGE},
	{"{\"schema\":1,\"command\":[\"status\"],\"options\":{\"x\":1}}", ADMIN_USAGE},
	{"{\"schema\":1,\"schema\":1,\"command\":[\"status\"]}", ADMIN_USAGE},
	{"{\"schema\":1,\"command\":[\"backend\",\"list\",\"nobody\"]}", ADMIN_REFUSED},
	{"{\"schema\":1,\"command\":[\"backend\",\"set\",\"access/b9\",\"drain\"]}", ADMIN_REFUSED},
	{"{\"schema\":1,\"command\":[\"backend\",\"set\",\"b1\",\"drain\"]}", ADMIN_REFUSED},
	{"{\"schema\":1,\"command\":[\"backend\",\"set\",\"access/b1\",\"off\"]}", ADMIN_USAGE},
	{"{\"schema\":1,\"command\":[\"where\",\"access\",\"to-tag\",\"x\"]}", ADMIN_USAGE},
	{"{\"schema\":1,\"command\":[\"where\",\"nobody\",\"call-id\",\"x\"]}", ADMIN_REFUSED},
	{"{\"schema\":1,\"command\":[\"where\",\"message\"],\"options\":{\"message\":\"?\"}}",
		ADMIN_USAGE},
	{"{\"schema\":1,\"command\":[\"trace\",\"start\"]}", ADMIN_USAGE},
	{"{\"schema\":1,\"command\":[\"trace\",\"stop\"]}", ADMIN_REFUSED},
	{"{\"schema\":1,\"command\":[\"registration\",\"show\",\"sip:nobody@x\"]}", ADMIN_REFUSED},
};

START_TEST(refuses)
{
	answer = lab_ask(&lab, refused[_i].request);
	ck_assert(json_is_object(answer));
	ck_assert(json_is_false(json_object_get(answer, "ok")));
	ck_assert_int_eq(number(answer, "exit"), refused[_i].exit);
	ck_assert_str_ne(text(answer, "error"), "(none)");
	// And goes on serving.
	command_ok("version", NULL);
}
END_TEST

START_TEST(a_request_without_an_end_is_cut_off)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	static char junk[1 << 16];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	size_t sent = 0;
	char got[256];
	ssize_t len = -1;

	memset(junk, 'x', sizeof(junk));
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/admin.sock", lab.dir);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	for (int i = 0; i < 2000 && sent < (3u << 20); i++) {
		ssize_t part = send(fd, junk, sizeof(junk), MSG_NOSIGNAL);

		if (part < 0 && errno != EAGAIN)
			break;
		sent += part > 0 ? (size_t)part : 0;
		lab_run_ms(&lab, 1);
		len = recv(fd, got, sizeof(got), 0);
		if (len >= 0)
			break;
	}
	ck_assert_int_gt(len, 0);
	ck_assert_uint_lt(sent, 3u << 20);
	close(fd);
	command_ok("version", NULL);
}
END_TEST

START_TEST(only_the_owner_and_the_group_may_connect)
{
	char path[96];
	struct stat st;

	snprintf(path, sizeof(path), "%s/admin.sock", lab.dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0660);
}
END_TEST

START_TEST(a_socket_that_is_served_is_not_taken)
{
	errno = 0;
	ck_assert_ptr_null(admin_create(&lab.control));
	ck_assert_int_eq(errno, EADDRINUSE);
	command_ok("version", NULL);
}
END_TEST

// ---- What is answered ---------------------------------------------------------------------------

START_TEST(status_tells_what_runs)
{
	const json_t *dataplane;

	command_ok("status", NULL);
	dataplane = json_object_get(answer, "dataplane");
	ck_assert_str_eq(text(answer, "node"), "lb1");
	ck_assert_str_eq(text(dataplane, "link"), "running");
	ck_assert_int_eq(number(dataplane, "workers"), 2);
	ck_assert_uint_eq(json_array_size(json_object_get(dataplane, "ports")), 2);
	ck_assert_uint_eq(json_array_size(json_object_get(answer, "services")), 2);
	ck_assert(json_is_null(json_object_get(answer, "redis")));
	lab_run_ms(&lab, 150);
	command_ok("ready", NULL);
	lab_run_ms(&lab, 150);
	command_ok("ready access", NULL);
	ck_assert(json_is_true(json_object_get(answer, "ready")));
}
END_TEST

START_TEST(not_ready_says_why)
{
	lab.fake.stalled = true;
	command_ok("ready", NULL);
	lab_run_ms(&lab, 150);
	command_ok("ready", NULL);
	lab_run_ms(&lab, 150);
	command_ok("ready", NULL);
	ck_assert(json_is_false(json_object_get(answer, "ready")));
	ck_assert_str_eq(json_string_value(json_array_get(json_object_get(answer, "reasons"), 0)),
		"2 of 2 workers do not move");
}
END_TEST

static const json_t *backend_named(const char *name)
{
	json_t *backend;
	size_t i;

	json_array_foreach(json_object_get(answer, "backends"), i, backend)
	{
		if (strcmp(text(backend, "name"), name) == 0)
			return backend;
	}
	ck_abort_msg("no %s", name);
	return NULL;
}

START_TEST(lists_backends_with_both_states)
{
	const struct backend *b2 = lab_backend(&lab, "access/b2");

	fake_dataplane_counters(&lab.fake, 0)->backends[b2->counter].requests = 5;
	fake_dataplane_counters(&lab.fake, 1)->backends[b2->counter].requests = 6;
	command_ok("backend list access", NULL);
	ck_assert_uint_eq(json_array_size(json_object_get(answer, "backends")), 3);
	ck_assert_str_eq(text(backend_named("b2"), "address"), "10.20.1.12:5060");
	ck_assert_str_eq(text(backend_named("b2"), "admin"), "ready");
	ck_assert_str_eq(text(backend_named("b2"), "health"), "up");
	ck_assert_str_eq(text(backend_named("b2"), "by"), "config");
	ck_assert_int_eq(number(backend_named("b2"), "requests"), 11);
	command_ok("backend list", NULL);
	ck_assert_uint_eq(json_array_size(json_object_get(answer, "backends")), 4);
}
END_TEST

START_TEST(sets_a_backend_and_says_who_and_why)
{
	const json_t *backend;

	command_ok("backend set access/b2 drain", "{\"reason\":\"CASE-1182\",\"by\":\"ana\"}");
	ck_assert_str_eq(text(answer, "previous"), "ready");
	ck_assert_double_eq_tol(
		json_number_value(json_object_get(answer, "share_moved")), 0.333, 0.02);
	command_ok("backend list access", NULL);
	backend = backend_named("b2");
	ck_assert_str_eq(text(backend, "admin"), "drain");
	ck_assert_str_eq(text(backend, "configured"), "ready");
	ck_assert_str_eq(text(backend, "by"), "ana");
	ck_assert_str_eq(text(backend, "reason"), "CASE-1182");
	ck_assert(json_is_false(json_object_get(backend, "fresh")));
	ck_assert(json_is_true(json_object_get(backend, "pinned")));
	ck_assert(!lab_fresh(&lab, "access/b2"));
	// The configured state again takes the override away.
	command_ok("backend set access/b2 ready", NULL);
	ck_assert(!lab_backend(&lab, "access/b2")->override.set);
	ck_assert(lab_fresh(&lab, "access/b2"));
}
END_TEST

START_TEST(a_reason_that_is_too_long_is_refused)
{
	char options[400];

	snprintf(options, sizeof(options), "{\"reason\":\"%0256d\"}", 0);
	command("backend set access/b2 drain", options);
	ck_assert(json_is_false(json_object_get(answer, "ok")));
	ck_assert(!lab_backend(&lab, "access/b2")->override.set);
}
END_TEST

START_TEST(where_agrees_with_the_snapshot)
{
	const struct snapshot *s = lab.fake.snapshot;
	uint64_t digest = snapshot_call_digest(s, STRV("a84b4c76e66710@pc33"));
	const uint16_t *row = snapshot_row(s, &snapshot_service(s, 0)->table, digest);
	char first[64];

	command_ok("where access call-id a84b4c76e66710@pc33", NULL);
	snprintf(first, sizeof(first), "%s", snapshot_backend(s, row[0])->name);
	ck_assert_str_eq(text(answer, "chosen"), first);
	ck_assert_str_eq(text(answer, "rule"), "table");
	ck_assert_uint_eq(json_array_size(json_object_get(answer, "candidates")), 3);
	// The first one gone, the second is taken.
	struct override maint = {.set = true, .state = CONFIG_STATE_MAINT, .by = "test"};
	char path[80];

	snprintf(path, sizeof(path), "access/%s", first);
	control_backend_override(&lab.control, lab_backend(&lab, path), &maint, false);
	command_ok("where access call-id a84b4c76e66710@pc33", NULL);
	ck_assert_str_eq(text(answer, "chosen"), snapshot_backend(s, row[1])->name);
}
END_TEST

// `source` and `port` may be NULL.
static void ask_where_from(const char *source, const char *port, const char *message)
{
	json_t *octets = admin_octets(message, strlen(message));
	json_t *options =
		json_pack("{s:o, s:s*, s:s*}", "message", octets, "source", source, "port", port);
	char *packed = json_dumps(options, JSON_COMPACT);

	command_ok("where message", packed);
	free(packed);
	json_decref(options);
}

static void ask_where(const char *message)
{
	ask_where_from(NULL, NULL, message);
}

START_TEST(explains_a_message)
{
	size_t len;
	uint8_t *sent;

	ask_where("INVITE sip:bob@203.0.113.5 SIP/2.0\r\n"
		  "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
		  "Max-Forwards: 70\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:bob@x>\r\n"
		  "Call-ID: one@x\r\nCSeq: 1 INVITE\r\nContact: <sip:a@192.0.2.1>\r\n"
		  "Content-Length: 0\r\n\r\n");
	ck_assert_str_eq(text(answer, "action"), "forward");
	ck_assert_str_eq(text(answer, "rule"), "table");
	ck_assert_str_eq(text(answer, "service"), "access");
	ck_assert_str_ne(text(answer, "backend"), "(none)");
	sent = admin_decode(text(answer, "result"), &len);
	ck_assert_ptr_nonnull(sent);
	ck_assert_ptr_nonnull(
		memmem(sent, len, "Via: SIP/2.0/UDP 203.0.113.5:5060;branch=z9hG4bK", 48));
	ck_assert_ptr_nonnull(memmem(sent, len, "Max-Forwards: 69", 16));
	free(sent);
}
END_TEST

START_TEST(explains_a_refusal)
{
	ask_where("INVITE sip:bob@203.0.113.5 SIP/2.0\r\n"
		  "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
		  "From: <sip:a@x>;tag=1\r\nTo: <sip:bob@x>\r\n"
		  "Call-ID: one@x\r\nCall-ID: two@x\r\nCSeq: 1 INVITE\r\n\r\n");
	ck_assert(json_is_false(json_object_get(answer, "parsed")));
	ck_assert_str_eq(text(answer, "reason"), "duplicate-header");
	ask_where("rubbish");
	ck_assert_str_eq(text(answer, "action"), "drop");
}
END_TEST

// The backends of the lab are in the network of port "core".
START_TEST(explains_who_is_a_backend)
{
	static const char callout[] = "INVITE sip:bob@192.0.2.9 SIP/2.0\r\n"
				      "Via: SIP/2.0/UDP 10.20.1.11;branch=z9hG4bK1\r\n"
				      "From: <sip:a@x>;tag=1\r\nTo: <sip:bob@x>\r\n"
				      "Call-ID: one@x\r\nCSeq: 1 INVITE\r\n\r\n";

	ask_where_from("10.20.1.11:5060", "wan", callout);
	ck_assert_str_eq(text(answer, "action"), "drop");
	ck_assert_str_eq(text(answer, "drop"), "spoofed-backend");
	ask_where_from("10.20.1.11:5060", "core", callout);
	ck_assert_str_eq(text(answer, "rule"), "outbound");
	ask_where_from("10.20.1.11:5060", NULL, callout);
	ck_assert_str_eq(text(answer, "rule"), "outbound");
	ask_where_from("192.0.2.9:5060", "wan", callout);
	ck_assert_str_eq(text(answer, "rule"), "table");
}
END_TEST

START_TEST(explains_what_the_access_list_keeps_out)
{
	lab_write(&lab,
		lab_edit("address: \"203.0.113.5\", port: 5060",
			"address: \"203.0.113.5\", acl: {deny: [\"192.0.2.0/24\"]}"));
	command_ok("reload", NULL);
	ask_where_from("192.0.2.9:5060", NULL, "rubbish");
	ck_assert_str_eq(text(answer, "drop"), "acl");
	ask_where_from("198.51.100.9:5060", NULL, "rubbish");
	ck_assert_str_eq(text(answer, "drop"), "unparsable");
}
END_TEST

START_TEST(counts_by_name)
{
	const struct service *access = lab.control.services[0];
	struct ipc_service_counters *counters =
		&fake_dataplane_counters(&lab.fake, 0)->services[access->counter];
	const json_t *service;

	counters->requests[SIP_INVITE] = 3;
	counters->drops[DROP_FORGED_BRANCH] = 4;
	fake_dataplane_counters(&lab.fake, 1)->latency[ipc_latency_slot(2000)] = 100;
	fake_dataplane_counters(&lab.fake, 1)->latency_cycles = 200000;
	command_ok("counters", NULL);
	service = json_array_get(json_object_get(answer, "services"), 0);
	ck_assert_int_eq(number(json_object_get(service, "requests"), "INVITE"), 3);
	ck_assert_int_eq(number(json_object_get(service, "drops"), "forged-branch"), 4);
	ck_assert_double_eq_tol(
		json_number_value(json_object_get(json_object_get(answer, "latency"), "p50_us")),
		2.0, 0.1);
}
END_TEST

START_TEST(keeps_the_last_refused_messages)
{
	struct ipc_event event = {.type = IPC_EVENT_REJECT};
	const json_t *list;

	for (uint32_t i = 0; i < 70; i++) {
		event.reject.error_off = i;
		event.reject.reason = SIP_BAD_VIA;
		event.reject.copied_len = 5;
		event.reject.source = (struct endpoint){{4, {192, 0, 2, 1}}, 5060};
		memcpy(event.reject.octets, "Via: ", 5);
		fake_dataplane_event(&lab.fake, 1, &event);
	}
	// Nonsense from a damaged segment must not be believed.
	event.reject.copied_len = 60000;
	event.reject.reason = 999;
	fake_dataplane_event(&lab.fake, 1, &event);
	lab_run_ms(&lab, 30);
	command_ok("errors show", NULL);
	list = json_object_get(answer, "errors");
	ck_assert_uint_eq(json_array_size(list), 64);
	ck_assert_int_eq(number(json_array_get(list, 62), "offset"), 69);
	ck_assert_str_eq(text(json_array_get(list, 0), "reason"), "bad-via");
	ck_assert_str_eq(text(json_array_get(list, 0), "octets"), "VmlhOiA=");
	command_ok("errors show", "{\"last\":2}");
	ck_assert_uint_eq(json_array_size(json_object_get(answer, "errors")), 2);
}
END_TEST

START_TEST(shows_the_file)
{
	command_ok("config show", NULL);
	ck_assert_ptr_nonnull(strstr(text(answer, "text"), "name: access"));
	command_ok("config diff", NULL);
	ck_assert(json_is_true(json_object_get(answer, "dry_run")));
	command_ok("node list", NULL);
	ck_assert_uint_eq(json_array_size(json_object_get(answer, "nodes")), 1);
	command_ok("service list", NULL);
	command_ok("registration list", NULL);
	command_ok("backend show access/b1", NULL);
}
END_TEST

START_TEST(reloads)
{
	lab_write(&lab, lab_edit("      - {name: b3, address: \"10.20.1.13\"}\n", ""));
	command_ok("reload", "{\"dry_run\":true}");
	ck_assert_uint_eq(lab.control.services[0]->nb_backends, 3);
	command_ok("reload", NULL);
	ck_assert_uint_eq(lab.control.services[0]->nb_backends, 2);
	lab_write(&lab, "schema: 1\n");
	command("reload", NULL);
	ck_assert(json_is_false(json_object_get(answer, "ok")));
	ck_assert_uint_gt(json_array_size(json_object_get(answer, "errors")), 0);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("admin");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, refuses, 0, (int)(sizeof(refused) / sizeof(refused[0])));
	tcase_add_test(tc, a_request_without_an_end_is_cut_off);
	tcase_add_test(tc, only_the_owner_and_the_group_may_connect);
	tcase_add_test(tc, a_socket_that_is_served_is_not_taken);
	tcase_add_test(tc, status_tells_what_runs);
	tcase_add_test(tc, not_ready_says_why);
	tcase_add_test(tc, lists_backends_with_both_states);
	tcase_add_test(tc, sets_a_backend_and_says_who_and_why);
	tcase_add_test(tc, a_reason_that_is_too_long_is_refused);
	tcase_add_test(tc, where_agrees_with_the_snapshot);
	tcase_add_test(tc, explains_a_message);
	tcase_add_test(tc, explains_a_refusal);
	tcase_add_test(tc, explains_who_is_a_backend);
	tcase_add_test(tc, explains_what_the_access_list_keeps_out);
	tcase_add_test(tc, counts_by_name);
	tcase_add_test(tc, keeps_the_last_refused_messages);
	tcase_add_test(tc, shows_the_file);
	tcase_add_test(tc, reloads);
	return suite_run(tc);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "control/resolve.h"

#include "tests/control/lab.h"
#include "tests/control/suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/dns.h>
#include <event2/dns_struct.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define V4 1
#define V6 2

static struct lab lab;
static struct evdns_server_port *server;
static int server_fd;
static uint32_t nb_questions;

// four.test has an A record, six.test an AAAA record, bad.test loopback addresses; mute.test is not
// answered, all others do not exist.
static void on_question(struct evdns_server_request *request, void *arg)
{
	static const uint8_t four[4] = {192, 0, 2, 44}, loopback[8] = {127, 0, 0, 1, 192, 0, 2, 45};
	static const uint8_t six[16] = {0x20, 1, 0xd, 0xb8, [15] = 6};
	int rc = 3; // NXDOMAIN

	nb_questions++;
	for (int i = 0; i < request->nquestions; i++) {
		const struct evdns_server_question *q = request->questions[i];

		if (strcasecmp(q->name, "mute.test") == 0) {
			evdns_server_request_drop(request);
			return;
		}
		if (strcasecmp(q->name, "four.test") == 0 && q->type == EVDNS_TYPE_A)
			evdns_server_request_add_a_reply(request, q->name, 1, four, 120);
		else if (strcasecmp(q->name, "bad.test") == 0 && q->type == EVDNS_TYPE_A)
			evdns_server_request_add_a_reply(request, q->name, 2, loopback, 1);
		else if (strcasecmp(q->name, "six.test") == 0 && q->type == EVDNS_TYPE_AAAA)
			evdns_server_request_add_aaaa_reply(request, q->name, 1, six, 99999);
		if (strstr(q->name, "nowhere") == NULL)
			rc = 0;
	}
	evdns_server_request_respond(request, rc);
}

static void setup(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	char text[64];

	lab_start(&lab, NULL);
	ck_assert(lab_until(&lab, lab_is_up));
	server_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(server_fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(getsockname(server_fd, (struct sockaddr *)&addr, &len), 0);
	server = evdns_add_server_port_with_base(lab.control.base, server_fd, 0, on_question, NULL);
	snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(addr.sin_port));
	resolve_destroy(lab.control.resolve);
	lab.control.resolve = resolve_create(&lab.control, text);
	ck_assert_ptr_nonnull(lab.control.resolve);
}

static void teardown(void)
{
	resolve_destroy(lab.control.resolve);
	lab.control.resolve = NULL;
	evdns_close_server_port(server);
	close(server_fd);
	lab_stop(&lab);
}

static bool has_answer(struct lab *l)
{
	return l->fake.nb_names > 0;
}

static void ask(const char *host, uint16_t port, uint8_t families)
{
	struct ipc_event event = {.type = IPC_EVENT_RESOLVE};

	event.resolve.port = port;
	event.resolve.families = families;
	event.resolve.host_len = (uint16_t)strlen(host);
	memcpy(event.resolve.host, host, strlen(host));
	lab.fake.nb_names = 0;
	fake_dataplane_event(&lab.fake, 1, &event);
}

static const struct {
	const char *host;
	uint16_t port;
	uint8_t families;
	const char *to; // NULL: nowhere
	uint32_t ttl_ms;
} cases[] = {
	{"four.test", 5070, V4, "192.0.2.44:5070", 120000},
	{"FOUR.test", 0, V4 | V6, "192.0.2.44:5060", 120000},
	{"six.test", 5070, V4 | V6, "[2001:db8::6]:5070", 3600000}, // an hour at most
	{"six.test", 5070, V6, "[2001:db8::6]:5070", 3600000},
	{"six.test", 5070, V4, NULL, 5000}, // no listener for it
	{"four.test", 5070, V6, NULL, 5000},
	{"bad.test", 5060, V4, "192.0.2.45:5060", 5000}, // loopback is passed over; 5 s at least
	{"nowhere.test", 5060, V4 | V6, NULL, 5000},
	{"four.test", 5060, 0, NULL, 5000},
	{"not a name", 5060, V4, NULL, 5000},
	{"four.test/../x", 5060, V4, NULL, 5000},
};

START_TEST(answers)
{
	char to[ENDPOINT_TEXT_MAX] = "";

	ask(cases[_i].host, cases[_i].port, cases[_i].families);
	ck_assert(lab_until(&lab, has_answer));
	ck_assert_uint_eq(lab.fake.name.ok, cases[_i].to != NULL);
	ck_assert_uint_eq(lab.fake.name.port, cases[_i].port);
	ck_assert_uint_eq(lab.fake.name.host_len, strlen(cases[_i].host));
	ck_assert_mem_eq(lab.fake.name.host, cases[_i].host, strlen(cases[_i].host));
	ck_assert_uint_eq(lab.fake.name.ttl_ms, cases[_i].ttl_ms);
	if (cases[_i].to != NULL) {
		endpoint_format(&lab.fake.name.to, to);
		ck_assert_str_eq(to, cases[_i].to);
	}
}
END_TEST

START_TEST(the_same_question_is_asked_once)
{
	for (int i = 0; i < 20; i++)
		ask("mute.test", 5060, V4);
	lab_run_ms(&lab, 100);
	ck_assert_uint_eq(nb_questions, 1);
	ck_assert_uint_eq(lab.fake.nb_names, 0);
}
END_TEST

START_TEST(silence_leads_nowhere)
{
	ask("mute.test", 5060, V4);
	ck_assert(lab_until(&lab, has_answer));
	ck_assert_uint_eq(lab.fake.name.ok, 0);
}
END_TEST

START_TEST(a_question_that_is_too_long_is_ignored)
{
	struct ipc_event_resolve event = {.families = V4, .host_len = IPC_HOST_MAX + 1};

	resolve_on_event(lab.control.resolve, &event);
	event.host_len = 0;
	resolve_on_event(lab.control.resolve, &event);
	lab_run_ms(&lab, 20);
	ck_assert_uint_eq(lab.fake.nb_names, 0);
}
END_TEST

START_TEST(nobody_to_ask_leads_nowhere)
{
	resolve_destroy(lab.control.resolve);
	lab.control.resolve = resolve_create(&lab.control, "not an address");
	ask("four.test", 5060, V4);
	ck_assert(lab_until(&lab, has_answer));
	ck_assert_uint_eq(lab.fake.name.ok, 0);
}
END_TEST

START_TEST(reads_hosts)
{
	char path[96];
	FILE *file;
	struct ip_addr ip;

	snprintf(path, sizeof(path), "%s/key", lab.dir);
	file = fopen(path, "we");
	fputs("# comment proxy.test\n127.0.0.1 loop.test\n\n"
	      "192.0.2.7\tproxy.test alias.test # not.test\n2001:db8::7 proxy.test\n192.0.2.9",
		file);
	fclose(file);
	ck_assert_int_eq(resolve_in_hosts(path, "alias.TEST", V4, &ip), 0);
	ck_assert_uint_eq(ip.octets[3], 7);
	ck_assert_int_eq(resolve_in_hosts(path, "proxy.test", V6, &ip), 0);
	ck_assert_uint_eq(ip.family, 6);
	ck_assert_int_eq(resolve_in_hosts(path, "alias.test", V6, &ip), -ENOENT);
	ck_assert_int_eq(resolve_in_hosts(path, "not.test", V4, &ip), -ENOENT);
	ck_assert_int_eq(resolve_in_hosts(path, "loop.test", V4, &ip), -ENOENT);
	ck_assert_int_eq(resolve_in_hosts("/nonexistent", "proxy.test", V4, &ip), -ENOENT);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("resolve");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, answers, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(tc, the_same_question_is_asked_once);
	tcase_add_test(tc, silence_leads_nowhere);
	tcase_add_test(tc, a_question_that_is_too_long_is_ignored);
	tcase_add_test(tc, nobody_to_ask_leads_nowhere);
	tcase_add_test(tc, reads_hosts);
	return suite_run(tc);
}

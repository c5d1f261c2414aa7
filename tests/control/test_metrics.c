// SPDX-License-Identifier: BSD-3-Clause
#include "control/metrics.h"

#include "control/control.h"
#include "control/metrics_page.h"

#include <arpa/inet.h>
#include <check.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char yaml[] = "schema: 1\n"
			   "node: {name: n1, cluster: c1}\n"
			   "dataplane:\n"
			   "  workers: \"1,2\"\n"
			   "  exception_path: none\n"
			   "  ports:\n"
			   "    - {name: wan, device: net_null0, addresses: [\"192.0.2.1/24\"]}\n"
			   "    - {name: core, device: net_null1, addresses: [\"10.0.0.1/24\"]}\n"
			   "services:\n"
			   "  - name: access\n"
			   "    listen: [{address: 192.0.2.1, port: 5060}]\n"
			   "    backends:\n"
			   "      - {name: kam1, address: 10.0.0.11}\n"
			   "      - {name: kam2, address: 10.0.0.12}\n"
			   "  - name: edge\n"
			   "    listen: [{address: 192.0.2.1, port: 5070}]\n"
			   "    backends:\n"
			   "      - {name: e1, address: 10.0.0.21}\n"
			   "%s"
			   "metrics:\n"
			   "  listen: [\"unix:%s\", \"127.0.0.1:%u\"]\n";

struct lab {
	struct control control;
	char dir[32], path[64];
	uint16_t port;
	struct ipc_shm *shm;
};

static uint16_t free_port(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	getsockname(fd, (struct sockaddr *)&sin, &len);
	close(fd);
	return ntohs(sin.sin_port);
}

static void lab_start_with(struct lab *lab, unsigned int nb_backends)
{
	struct config_errors errs = {0};
	struct config *config;
	static char more[65536], text[sizeof(more) + sizeof(yaml) + 100];

	more[0] = '\0';
	for (unsigned int i = 0; i < nb_backends; i++)
		sprintf(more + strlen(more), "      - {name: m%u, address: 10.1.%u.%u}\n", i,
			i / 250, i % 250 + 1);
	*lab = (struct lab){.port = free_port()};
	strcpy(lab->dir, "/tmp/sipshunt-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(lab->dir));
	snprintf(lab->path, sizeof(lab->path), "%s/metrics.sock", lab->dir);
	snprintf(text, sizeof(text), yaml, more, lab->path, lab->port);
	config = config_parse("test", text, strlen(text), &errs);
	if (config == NULL)
		config_errors_print(stderr, &errs);
	ck_assert_ptr_nonnull(config);
	config_errors_fini(&errs);
	lab->control.base = event_base_new();
	ck_assert_int_eq(control_init(&lab->control), 0);
	ck_assert_int_eq(control_apply_config(&lab->control, config), 0);
}

static void lab_start(struct lab *lab)
{
	lab_start_with(lab, 0);
}

// Two workers and two ports, as the dataplane would lay them out.
static void lab_add_dataplane(struct lab *lab)
{
	size_t stride = (sizeof(struct ipc_worker_counters) + 63) & ~(size_t)63;
	size_t ports_off = (sizeof(struct ipc_shm) + 63) & ~(size_t)63, workers_off;

	workers_off = ports_off + ((2 * sizeof(struct ipc_port_counters) + 63) & ~(size_t)63);
	lab->shm = calloc(1, workers_off + 2 * stride);
	ck_assert_ptr_nonnull(lab->shm);
	lab->shm->ports_off = ports_off;
	lab->shm->workers_off = workers_off;
	lab->shm->workers_stride = stride;
	lab->shm->tsc_hz = 1000000000; // a cycle is a nanosecond
	lab->shm->start_unix_ns = UINT64_C(1700000000500000000);
	lab->control.dataplane.shm = lab->shm;
	lab->control.dataplane.nb_workers = lab->control.dataplane.nb_ports = 2;
	lab->control.dataplane.link = LINK_RUNNING;
}

static struct ipc_worker_counters *worker(struct lab *lab, uint32_t i)
{
	return (struct ipc_worker_counters *)control_worker_counters(&lab->control, i);
}

static void lab_stop(struct lab *lab)
{
	char command[64];

	metrics_destroy(lab->control.metrics);
	lab->control.dataplane.shm = NULL;
	free(lab->shm);
	event_base_free(lab->control.base);
	control_fini(&lab->control);
	snprintf(command, sizeof(command), "rm -rf '%s'", lab->dir);
	ck_assert_int_eq(system(command), 0);
}

// The caller frees.
static char *page(const struct lab *lab, unsigned int scopes)
{
	struct evbuffer *out = evbuffer_new();
	char *text;
	size_t len;

	metrics_page(&lab->control, scopes, out);
	len = evbuffer_get_length(out);
	text = malloc(len + 1);
	evbuffer_remove(out, text, len);
	text[len] = '\0';
	evbuffer_free(out);
	return text;
}

#define ck_assert_has(text, line) ck_assert_msg(strstr(text, line "\n") != NULL, "no %s", line)

// ---- Pages -------------------------------------------------------------------------------------

START_TEST(every_series_is_there_before_the_dataplane_is)
{
	struct lab lab;
	char *text;

	lab_start(&lab);
	text = page(&lab, METRICS_ALL);
	ck_assert_has(text, "sipshunt_dataplane_up 0");
	ck_assert_has(text, "sipshunt_worker_busy_cycles_total{worker=\"1\"} 0");
	ck_assert_has(text, "sipshunt_port_receive_packets_total{port=\"core\"} 0");
	ck_assert_has(text, "sipshunt_sip_requests_total{service=\"access\",method=\"INVITE\"} 0");
	ck_assert_has(text, "sipshunt_sip_responses_total{service=\"edge\",class=\"6xx\"} 0");
	ck_assert_has(text,
		"sipshunt_packets_dropped_total{service=\"access\",reason=\"forged-branch\"} 0");
	ck_assert_has(text, "sipshunt_packets_dropped_total{service=\"\",reason=\"bad-ip\"} 0");
	ck_assert_has(text,
		"sipshunt_backend_responses_total{service=\"edge\",backend=\"e1\",class=\"2xx\"} "
		"0");
	ck_assert_has(text,
		"sipshunt_backend_state{service=\"access\",backend=\"kam1\",state=\"unknown\"} 1");
	ck_assert_has(text,
		"sipshunt_backend_admin_state{service=\"access\",backend=\"kam1\",state=\"ready\"} "
		"1");
	ck_assert_has(text,
		"sipshunt_backend_admin_state{service=\"access\",backend=\"kam1\","
		"state=\"maint\"} 0");
	ck_assert_has(text, "sipshunt_forward_duration_seconds_count 0");
	ck_assert_has(text, "sipshunt_redis_up 0");
	ck_assert_has(
		text, "sipshunt_redis_commands_total{command=\"evalsha\",result=\"timeout\"} 0");
	ck_assert_has(text, "sipshunt_cluster_nodes{state=\"alive\"} 0");
	ck_assert_has(text, "sipshunt_cluster_table_mismatch{service=\"edge\"} 0");
	free(text);
	lab_stop(&lab);
}
END_TEST

START_TEST(workers_are_summed_up)
{
	struct lab lab;
	const struct service *access;
	char *text;

	lab_start(&lab);
	lab_add_dataplane(&lab);
	access = lab.control.services[0];
	for (uint32_t i = 0; i < 2; i++) {
		struct ipc_worker_counters *w = worker(&lab, i);
		struct ipc_backend_counters *b = &w->backends[access->backends[1]->counter];

		w->services[access->counter].requests[SIP_INVITE] = 1000 + i;
		w->services[access->counter].message_size[1] = 5;
		w->services[access->counter].message_octets = 2000;
		w->busy_cycles = 70 + i;
		w->drops[DROP_BAD_IP] = 3;
		w->fragments = 11;
		b->responses[4] = 2;
		w->latency[ipc_latency_slot(900)] = 10; // 0.9 us
		w->latency[ipc_latency_slot(30000)] = 1; // 30 us
		w->latency_cycles = 39000;
	}
	lab.shm->mbufs_total = 1000;
	lab.shm->mbufs_in_use = 300;
	text = page(&lab, METRICS_ALL);
	ck_assert_has(text, "sipshunt_start_time_seconds 1700000000.5");
	ck_assert_has(
		text, "sipshunt_sip_requests_total{service=\"access\",method=\"INVITE\"} 2001");
	ck_assert_has(text, "sipshunt_sip_requests_total{service=\"edge\",method=\"INVITE\"} 0");
	ck_assert_has(text, "sipshunt_worker_busy_cycles_total{worker=\"1\"} 71");
	ck_assert_has(text, "sipshunt_packets_dropped_total{service=\"\",reason=\"bad-ip\"} 6");
	ck_assert_has(text, "sipshunt_ip_fragments_total 22");
	ck_assert_has(text,
		"sipshunt_backend_responses_total{service=\"access\",backend=\"kam2\","
		"class=\"4xx\"} 4");
	ck_assert_has(
		text, "sipshunt_sip_message_size_bytes_bucket{service=\"access\",le=\"256\"} 0");
	ck_assert_has(
		text, "sipshunt_sip_message_size_bytes_bucket{service=\"access\",le=\"512\"} 10");
	ck_assert_has(text, "sipshunt_sip_message_size_bytes_sum{service=\"access\"} 4000");
	ck_assert_has(text, "sipshunt_forward_duration_seconds_bucket{le=\"1e-06\"} 20");
	ck_assert_has(text, "sipshunt_forward_duration_seconds_bucket{le=\"2.5e-05\"} 20");
	ck_assert_has(text, "sipshunt_forward_duration_seconds_bucket{le=\"5e-05\"} 22");
	ck_assert_has(text, "sipshunt_forward_duration_seconds_sum 7.8e-05");
	ck_assert_has(text, "sipshunt_mbufs{state=\"free\"} 700");
	free(text);
	lab_stop(&lab);
}
END_TEST

START_TEST(scopes_choose_families)
{
	struct lab lab;
	char *text;

	ck_assert_uint_eq(metrics_scope_parse(NULL), METRICS_ALL);
	ck_assert_uint_eq(metrics_scope_parse("process"), METRICS_PROCESS);
	ck_assert_uint_eq(
		metrics_scope_parse("cluster,services"), METRICS_CLUSTER | METRICS_SERVICES);
	ck_assert_uint_eq(metrics_scope_parse(""), 0);
	ck_assert_uint_eq(metrics_scope_parse("proc"), 0);
	ck_assert_uint_eq(metrics_scope_parse("process,"), 0);
	ck_assert_uint_eq(metrics_scope_parse("process,everything"), 0);
	lab_start(&lab);
	text = page(&lab, METRICS_BACKENDS);
	ck_assert_ptr_nonnull(strstr(text, "sipshunt_backend_state"));
	ck_assert_ptr_null(strstr(text, "sipshunt_build_info"));
	free(text);
	lab_stop(&lab);
}
END_TEST

// ---- Server ------------------------------------------------------------------------------------

static int connect_unix(const struct lab *lab)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(sun.sun_path, lab->path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

static int connect_tcp(const struct lab *lab)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(lab->port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void turn(struct lab *lab, unsigned int ms)
{
	for (unsigned int i = 0; i < ms; i++) {
		struct timespec ts = {0, 1000000};

		event_base_loop(lab->control.base, EVLOOP_NONBLOCK);
		nanosleep(&ts, NULL);
	}
}

// What comes back for a request within the time; the caller frees.
static char *ask(struct lab *lab, int fd, const char *request, unsigned int ms)
{
	size_t len = 0, size = 1 << 20;
	char *text = malloc(size);

	ck_assert_int_eq(write(fd, request, strlen(request)), strlen(request));
	for (unsigned int i = 0; i < ms; i++) {
		ssize_t n;

		turn(lab, 1);
		n = read(fd, text + len, size - len - 1);
		if (n == 0)
			break;
		if (n > 0)
			len += (size_t)n;
	}
	text[len] = '\0';
	return text;
}

static void server_start(struct lab *lab)
{
	lab_start(lab);
	lab->control.metrics = metrics_create(&lab->control);
	ck_assert_ptr_nonnull(lab->control.metrics);
}

START_TEST(serves_on_both_kinds_of_sockets)
{
	struct lab lab;

	server_start(&lab);
	for (unsigned int i = 0; i < 2; i++) {
		int fd = i == 0 ? connect_unix(&lab) : connect_tcp(&lab);
		char *text = ask(&lab, fd,
			"GET /metrics?scope=process HTTP/1.1\r\nHost: x\r\n"
			"Connection: close\r\n\r\n",
			500);

		ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 200 OK\r\n"));
		ck_assert_ptr_nonnull(
			strstr(text, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
		ck_assert_has(text, "sipshunt_dataplane_up 0");
		ck_assert_ptr_null(strstr(text, "sipshunt_redis_up"));
		free(text);
		close(fd);
	}
	lab_stop(&lab);
}
END_TEST

static const struct {
	const char *request, *answer;
} refused[] = {
	{"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", " 501 "},
	{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", " 404 "},
	{"GET /../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", " 404 "},
	{"GET /metrics?scope=all HTTP/1.1\r\nHost: x\r\n\r\n", " 400 "},
	{"NONSENSE\r\n\r\n", " 400 "},
};

START_TEST(refuses_all_else)
{
	struct lab lab;
	char *text;
	int fd;

	server_start(&lab);
	fd = connect_unix(&lab);
	text = ask(&lab, fd, refused[_i].request, 200);
	ck_assert_msg(strstr(text, refused[_i].answer) != NULL || text[0] == '\0', "%s", text);
	ck_assert_ptr_null(strstr(text, "sipshunt_dataplane_up"));
	free(text);
	close(fd);
	// And goes on.
	fd = connect_unix(&lab);
	text = ask(&lab, fd, "GET /metrics HTTP/1.0\r\n\r\n", 500);
	ck_assert_has(text, "sipshunt_dataplane_up 0");
	free(text);
	close(fd);
	lab_stop(&lab);
}
END_TEST

START_TEST(endless_headers_end_the_connection)
{
	struct lab lab;
	char block[1024];
	int fd;
	bool ended = false;

	server_start(&lab);
	fd = connect_unix(&lab);
	memset(block, 'x', sizeof(block));
	ck_assert_int_gt(write(fd, "GET /metrics HTTP/1.1\r\nX: ", 26), 0);
	for (unsigned int i = 0; i < 100 && !ended; i++) {
		ended = send(fd, block, sizeof(block), MSG_NOSIGNAL) < 0;
		turn(&lab, 2);
	}
	ck_assert(ended);
	close(fd);
	lab_stop(&lab);
}
END_TEST

START_TEST(slow_readers_hold_nobody_up_and_are_bounded)
{
	struct lab lab;
	char *text;
	int slow[24], fd;
	unsigned int nb_refused = 0;

	// A page of a megabyte is more than a socket takes.
	lab_start_with(&lab, 400);
	lab.control.metrics = metrics_create(&lab.control);
	ck_assert_ptr_nonnull(lab.control.metrics);
	for (unsigned int i = 0; i < 24; i++) {
		int small = 2048;

		slow[i] = connect_unix(&lab);
		turn(&lab, 1);
		setsockopt(slow[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
		ck_assert_int_gt(write(slow[i], "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 35), 0);
	}
	turn(&lab, 300);
	for (unsigned int i = 0; i < 24; i++) {
		static char got[1 << 22];
		size_t len = 0;
		ssize_t n;

		while ((n = recv(slow[i], got + len, sizeof(got) - 1 - len, 0)) > 0)
			len += (size_t)n;
		got[len] = '\0';
		nb_refused += strstr(got, "HTTP/1.1 503 ") != NULL;
	}
	ck_assert_uint_eq(nb_refused, 24 - 16);
	for (unsigned int i = 0; i < 24; i++)
		close(slow[i]);
	turn(&lab, 50);
	fd = connect_unix(&lab);
	text = ask(&lab, fd, "GET /metrics HTTP/1.0\r\n\r\n", 500);
	ck_assert_ptr_nonnull(strstr(text, " 200 OK"));
	free(text);
	close(fd);
	lab_stop(&lab);
}
END_TEST

START_TEST(an_address_in_use_is_an_error_without_harm)
{
	struct lab lab, other;

	server_start(&lab);
	lab_start(&other);
	// The same TCP port, and a UNIX socket that cannot be.
	((struct config_socket *)other.control.boot->metrics.listen)[1].port = lab.port;
	rmdir(other.dir);
	other.control.metrics = metrics_create(&other.control);
	ck_assert_ptr_null(other.control.metrics);
	lab_stop(&other);
	lab_stop(&lab);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics");
	TCase *pages = tcase_create("pages"), *server = tcase_create("server");
	SRunner *runner;
	int failed;

	signal(SIGPIPE, SIG_IGN); // as the control process does
	tcase_add_test(pages, every_series_is_there_before_the_dataplane_is);
	tcase_add_test(pages, workers_are_summed_up);
	tcase_add_test(pages, scopes_choose_families);
	suite_add_tcase(suite, pages);
	tcase_set_timeout(pages, 20);
	tcase_set_timeout(server, 20);
	tcase_add_test(server, serves_on_both_kinds_of_sockets);
	tcase_add_loop_test(server, refuses_all_else, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(server, endless_headers_end_the_connection);
	tcase_add_test(server, slow_readers_hold_nobody_up_and_are_bounded);
	tcase_add_test(server, an_address_in_use_is_an_error_without_harm);
	suite_add_tcase(suite, server);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

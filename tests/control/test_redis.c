// SPDX-License-Identifier: BSD-3-Clause
#include "control/redis.h"

#include "tests/control/redis_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

struct client {
	struct event_base *base;
	struct redis *redis;
	bool up, down;
	unsigned int ups, downs;
	char why[1024]; // all of them
};

struct answer {
	bool done;
	bool lost;
	int type;
	long long integer;
	char text[256];
};

static void on_up(void *arg)
{
	struct client *c = arg;

	c->up = true;
	c->down = false;
	c->ups++;
}

static void on_down(void *arg, const char *why)
{
	struct client *c = arg;

	c->up = false;
	c->down = true;
	c->downs++;
	snprintf(c->why + strlen(c->why), sizeof(c->why) - strlen(c->why), "%s\n", why);
}

static void on_answer(const redisReply *reply, void *arg)
{
	struct answer *a = arg;

	a->done = true;
	a->lost = reply == NULL;
	if (reply == NULL)
		return;
	a->type = reply->type;
	a->integer = reply->integer;
	if (reply->str != NULL)
		snprintf(a->text, sizeof(a->text), "%s", reply->str);
}

static const struct redis_callbacks callbacks = {.on_up = on_up, .on_down = on_down};

static void client_start(struct client *c, struct redis_options *options)
{
	c->base = event_base_new();
	if (options->backoff_min_ms == 0)
		options->backoff_min_ms = 20;
	if (options->backoff_max_ms == 0)
		options->backoff_max_ms = 100;
	c->redis = redis_create(c->base, options, &callbacks, c);
	ck_assert_ptr_nonnull(c->redis);
}

static void client_stop(struct client *c)
{
	redis_destroy(c->redis);
	// What libevent put off until the next turn frees the rest.
	event_base_loop(c->base, EVLOOP_NONBLOCK);
	event_base_free(c->base);
}

static int send2(struct client *c, const char *a, const char *b, struct answer *answer)
{
	struct strv args[] = {strv_from(a), strv_from(b != NULL ? b : "")};

	return redis_send(c->redis, args, b != NULL ? 2 : 1, on_answer, answer);
}

// ---- A server that says what the test wants ----------------------------------------------------

struct fake {
	char path[64];
	pid_t pid;
};

// Answers the handshake as Redis does, then sends `reply` to whatever comes and keeps the
// connection open. `reply` NULL: never answers anything.
static void fake_serve(int listener, const char *reply, size_t len)
{
	char buf[4096];

	for (;;) {
		int fd = accept(listener, NULL, NULL);
		bool greeted = false;

		while (fd >= 0 && read(fd, buf, sizeof(buf)) > 0) {
			const char *text = greeted ? reply : "+OK\r\n+PONG\r\n";
			size_t size = greeted ? len : strlen(text), sent = 0;

			if (reply == NULL)
				continue;
			greeted = true;
			while (sent < size) {
				ssize_t n = write(fd, text + sent, size - sent);

				if (n <= 0)
					break;
				sent += (size_t)n;
			}
		}
		close(fd);
	}
}

static void fake_start(struct fake *f, const char *reply, size_t len)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(f->path, sizeof(f->path), "/tmp/sipshunt-test-fake-%d", (int)getpid());
	strcpy(sun.sun_path, f->path);
	unlink(f->path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	f->pid = fork();
	if (f->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		fake_serve(fd, reply, len);
	}
	close(fd);
}

static void fake_stop(struct fake *f)
{
	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
	unlink(f->path);
}

// ---- Tests -------------------------------------------------------------------------------------

START_TEST(refuses_options_without_a_server)
{
	struct event_base *base = event_base_new();
	struct redis_options options = {0};

	ck_assert_ptr_null(redis_create(base, &options, &callbacks, NULL));
	ck_assert_int_eq(errno, EINVAL);
	options.master_name = "mymaster";
	ck_assert_ptr_null(redis_create(base, &options, &callbacks, NULL));
	ck_assert_int_eq(errno, EINVAL);
	event_base_free(base);
}
END_TEST

START_TEST(pipelines_in_order_over_a_unix_socket)
{
	struct redis_server server = {0};
	struct redis_options options = {.client_name = "sipshunt-test"};
	struct client c = {0};
	struct answer a[100] = {0};

	redis_server_start(&server);
	options.address.path = server.path;
	client_start(&c, &options);
	ck_assert_int_eq(send2(&c, "PING", NULL, &a[0]), -ENOTCONN);
	ck_assert(run_until(c.base, &c.up, 2000));
	for (unsigned int i = 0; i < 100; i++)
		ck_assert_int_eq(send2(&c, "INCR", "n", &a[i]), 0);
	ck_assert_uint_eq(redis_pending(c.redis), 100);
	ck_assert(run_until(c.base, &a[99].done, 2000));
	for (unsigned int i = 0; i < 100; i++)
		ck_assert_int_eq(a[i].integer, i + 1);
	ck_assert_uint_eq(redis_pending(c.redis), 0);
	client_stop(&c);
	redis_server_stop(&server);
}
END_TEST

START_TEST(sends_any_octets)
{
	struct redis_server server = {0};
	struct redis_options options = {0};
	struct client c = {0};
	struct answer a = {0};
	struct strv args[] = {STRV("SET"), STRV("k\r\n\0x"), STRV("*3\r\n$1\0\xff")};

	redis_server_start(&server);
	options.address.path = server.path;
	client_start(&c, &options);
	ck_assert(run_until(c.base, &c.up, 2000));
	ck_assert_int_eq(redis_send(c.redis, args, 3, on_answer, &a), 0);
	ck_assert(run_until(c.base, &a.done, 2000));
	ck_assert_int_eq(redis_server_number(&server, "DBSIZE"), 1);
	args[0] = STRV("STRLEN");
	a.done = false;
	ck_assert_int_eq(redis_send(c.redis, args, 2, on_answer, &a), 0);
	ck_assert(run_until(c.base, &a.done, 2000));
	ck_assert_int_eq(a.integer, 8);
	client_stop(&c);
	redis_server_stop(&server);
}
END_TEST

START_TEST(authenticates_and_selects_the_database)
{
	struct redis_server server = {0};
	struct redis_options options = {.username = "sip", .password = "secret", .database = 3};
	struct client c = {0};
	struct answer a = {0};
	struct strv args[] = {STRV("CLIENT"), STRV("LIST")};

	redis_server_start(&server);
	freeReplyObject(redis_server_ask(&server, "ACL SETUSER sip on >secret ~* +@all"));
	freeReplyObject(redis_server_ask(&server, "ACL SETUSER default off"));
	options.address.path = server.path;
	client_start(&c, &options);
	ck_assert(run_until(c.base, &c.up, 2000));
	ck_assert_int_eq(redis_send(c.redis, args, 2, on_answer, &a), 0);
	ck_assert(run_until(c.base, &a.done, 2000));
	ck_assert_ptr_nonnull(strstr(a.text, " db=3 "));
	client_stop(&c);

	options.password = "wrong";
	c = (struct client){0};
	client_start(&c, &options);
	ck_assert(run_until(c.base, &c.down, 2000));
	ck_assert_ptr_nonnull(strstr(c.why, "WRONGPASS"));
	ck_assert_ptr_null(strstr(c.why, "wrong\""));
	ck_assert_uint_eq(c.ups, 0);
	client_stop(&c);
	redis_server_stop(&server);
}
END_TEST

START_TEST(comes_back_after_kill_9_of_the_server)
{
	struct redis_server server = {0};
	struct redis_options options = {0};
	struct client c = {0};
	struct answer a = {0}, b = {0};

	redis_server_start(&server);
	options.address.path = server.path;
	client_start(&c, &options);
	ck_assert(run_until(c.base, &c.up, 2000));
	kill(server.pid, SIGSTOP);
	ck_assert_int_eq(send2(&c, "PING", NULL, &a), 0);
	run_for(c.base, 20);
	redis_server_kill(&server);
	ck_assert(run_until(c.base, &c.down, 2000));
	ck_assert(a.done && a.lost);
	run_for(c.base, 300);
	ck_assert_uint_gt(redis_stats(c.redis)->failures, 1);

	redis_server_spawn(&server);
	ck_assert(run_until(c.base, &c.up, 2000));
	ck_assert_int_eq(send2(&c, "PING", NULL, &b), 0);
	ck_assert(run_until(c.base, &b.done, 2000));
	ck_assert(!b.lost);
	ck_assert_uint_eq(redis_stats(c.redis)->connects, 2);
	client_stop(&c);
	redis_server_stop(&server);
}
END_TEST

START_TEST(gives_up_on_a_server_that_stopped_answering)
{
	struct redis_server server = {0};
	struct redis_options options = {.command_timeout_ms = 100};
	struct client c = {0};
	struct answer a = {0};
	uint64_t start;

	redis_server_start(&server);
	options.address.path = server.path;
	client_start(&c, &options);
	ck_assert(run_until(c.base, &c.up, 2000));
	kill(server.pid, SIGSTOP);
	start = test_now_ms();
	ck_assert_int_eq(send2(&c, "PING", NULL, &a), 0);
	ck_assert(run_until(c.base, &a.done, 2000));
	ck_assert(a.lost);
	ck_assert_uint_lt(test_now_ms() - start, 2000);
	ck_assert_uint_eq(redis_stats(c.redis)->commands[8][REDIS_TIMED_OUT], 1);
	ck_assert_str_eq(redis_command_name(8), "ping");
	kill(server.pid, SIGCONT);
	ck_assert(run_until(c.base, &c.up, 3000));
	client_stop(&c);
	redis_server_stop(&server);
}
END_TEST

START_TEST(gives_up_on_an_address_that_does_not_answer)
{
	struct redis_options options = {.connect_timeout_ms = 100};
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	int listener = socket(AF_INET, SOCK_STREAM, 0), filler[8];
	struct client c = {0};

	// A listener whose queue is full: the kernel drops the SYN.
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(listen(listener, 0), 0);
	getsockname(listener, (struct sockaddr *)&sin, &len);
	for (unsigned int i = 0; i < 8; i++) {
		filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(filler[i], (struct sockaddr *)&sin, sizeof(sin));
	}
	options.address = (struct redis_address){.host = "127.0.0.1", .port = ntohs(sin.sin_port)};
	client_start(&c, &options);
	ck_assert(run_until(c.base, &c.down, 1000));
	ck_assert_ptr_nonnull(strstr(c.why, "no connection in 100 ms"));
	client_stop(&c);
	for (unsigned int i = 0; i < 8; i++)
		close(filler[i]);
	close(listener);
}
END_TEST

START_TEST(keeps_a_silent_connection_alive)
{
	struct redis_server server = {.options = {"--timeout", "2"}};
	struct redis_options options = {.keepalive_ms = 300};
	struct client c = {0};

	redis_server_start(&server);
	options.address.path = server.path;
	client_start(&c, &options);
	ck_assert(run_until(c.base, &c.up, 2000));
	run_for(c.base, 4000);
	ck_assert(c.up);
	ck_assert_uint_eq(c.downs, 0);
	ck_assert_uint_ge(redis_stats(c.redis)->commands[8][REDIS_OK_REPLY], 10);
	client_stop(&c);
	redis_server_stop(&server);
}
END_TEST

START_TEST(a_full_queue_is_an_error_to_the_caller)
{
	struct redis_server server = {0};
	struct redis_options options = {.queue_max = 20, .command_timeout_ms = 5000};
	struct client c = {0};
	struct answer a[20] = {0}, b = {0};

	redis_server_start(&server);
	options.address.path = server.path;
	client_start(&c, &options);
	ck_assert(run_until(c.base, &c.up, 2000));
	for (unsigned int i = 0; i < 20; i++)
		ck_assert_int_eq(send2(&c, "PING", NULL, &a[i]), 0);
	ck_assert_int_eq(send2(&c, "PING", NULL, &b), -ENOBUFS);
	ck_assert(run_until(c.base, &a[19].done, 2000));
	ck_assert(!b.done);
	ck_assert_int_eq(send2(&c, "PING", NULL, &b), 0);
	ck_assert(run_until(c.base, &b.done, 2000));
	ck_assert_uint_eq(redis_stats(c.redis)->commands[8][REDIS_REFUSED], 1);
	client_stop(&c);
	redis_server_stop(&server);
}
END_TEST

START_TEST(octets_that_the_socket_does_not_take_are_bounded)
{
	struct redis_server server = {0};
	struct redis_options options = {
		.queue_octets_max = 100000, .queue_max = 1 << 20, .command_timeout_ms = 5000};
	struct client c = {0};
	char *value = malloc(10001);
	struct strv args[] = {STRV("ECHO"), {value, 10000}};
	unsigned int sent = 0;

	memset(value, 'x', 10000);
	redis_server_start(&server);
	options.address.path = server.path;
	client_start(&c, &options);
	ck_assert(run_until(c.base, &c.up, 2000));
	kill(server.pid, SIGSTOP);
	while (sent < 1000 && redis_send(c.redis, args, 2, NULL, NULL) == 0)
		sent++;
	ck_assert_uint_lt(sent, 20);
	kill(server.pid, SIGCONT);
	client_stop(&c);
	free(value);
	redis_server_stop(&server);
}
END_TEST

static const struct {
	const char *reply;
	size_t len;
} hostile[] = {
#define REPLY(text)                    \
	{                              \
		text, sizeof(text) - 1 \
	}
	REPLY("HTTP/1.0 400 Bad Request\r\n\r\n"),
	REPLY("\0\0\0\0\0\0\0\0"),
	REPLY("*2147483647\r\n"),
	REPLY("*9223372036854775807\r\n"),
	REPLY("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"),
	REPLY("*1000\r\n*1000\r\n*1000\r\n*1000\r\n"),
	REPLY("$2147483647\r\nabc"),
	REPLY("$-77\r\n"),
	REPLY("$3\r\nabcdefgh"),
	REPLY("+OK\r\n+OK\r\n+OK\r\n+OK\r\n"), // more answers than questions
	REPLY(":12345678901234567890123\r\n"),
	REPLY("-READONLY You can't write against a read only replica.\r\n"),
};

START_TEST(a_hostile_server_is_dropped_and_tried_again)
{
	struct fake fake;
	struct redis_options options = {.reply_elements_max = 10000, .reply_octets_max = 1 << 20};
	struct client c = {0};
	struct answer a = {0};
	struct rusage usage;

	fake_start(&fake, hostile[_i].reply, hostile[_i].len);
	options.address.path = fake.path;
	client_start(&c, &options);
	ck_assert(run_until(c.base, &c.up, 2000));
	ck_assert_int_eq(send2(&c, "PING", NULL, &a), 0);
	ck_assert(run_until(c.base, &c.down, 2000));
	ck_assert(a.done);
	ck_assert(run_until(c.base, &c.up, 2000));
	ck_assert_uint_eq(c.ups, 2);
	getrusage(RUSAGE_SELF, &usage);
	ck_assert_int_lt(usage.ru_maxrss, 200 * 1024);
	client_stop(&c);
	fake_stop(&fake);
}
END_TEST

START_TEST(an_endless_reply_ends_at_the_limit)
{
	struct fake fake;
	struct redis_options options = {.reply_octets_max = 1 << 20, .command_timeout_ms = 5000};
	size_t len = 32 << 20;
	char *reply = malloc(len);
	struct client c = {0};
	struct answer a = {0};

	// An array that the element limit allows, of strings that together are too long.
	strcpy(reply, "*10000\r\n");
	for (size_t i = 8; i + 1007 < len; i += 1009)
		memcpy(reply + i, "$1000\r\n", 7), memset(reply + i + 7, 'x', 1000),
			memcpy(reply + i + 1007, "\r\n", 2);
	fake_start(&fake, reply, len);
	options.address.path = fake.path;
	client_start(&c, &options);
	ck_assert(run_until(c.base, &c.up, 2000));
	ck_assert_int_eq(send2(&c, "PING", NULL, &a), 0);
	ck_assert(run_until(c.base, &c.down, 4000));
	ck_assert(a.done && a.lost);
	ck_assert_ptr_nonnull(strstr(c.why, "over the limit"));
	client_stop(&c);
	fake_stop(&fake);
	free(reply);
}
END_TEST

START_TEST(a_server_that_accepts_and_says_nothing_is_given_up)
{
	struct fake fake;
	struct redis_options options = {.command_timeout_ms = 100};
	struct client c = {0};

	fake_start(&fake, NULL, 0);
	options.address.path = fake.path;
	client_start(&c, &options);
	ck_assert(run_until(c.base, &c.down, 1000));
	ck_assert_ptr_nonnull(strstr(c.why, "did not answer"));
	client_stop(&c);
	fake_stop(&fake);
}
END_TEST

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

START_TEST(follows_the_master_that_sentinel_names)
{
	struct redis_server one = {.port = free_port()}, two = {.port = free_port()};
	struct redis_server sentinel = {.port = free_port(), .sentinel = true};
	struct redis_address sentinels[] = {
		{.host = "127.0.0.1", .port = free_port()}, // nobody there
		{.host = "127.0.0.1", .port = sentinel.port},
	};
	struct redis_options options = {
		.master_name = "m", .sentinels = sentinels, .nb_sentinels = 2, .keepalive_ms = 200};
	struct client c = {0};
	char port[16];

	redis_server_start(&one);
	redis_server_start(&two);
	redis_server_start(&sentinel);
	freeReplyObject(redis_server_ask(&two, "REPLICAOF 127.0.0.1 %d", one.port));
	freeReplyObject(redis_server_ask(&sentinel, "SENTINEL MONITOR m 127.0.0.1 %d 1", one.port));
	client_start(&c, &options);
	ck_assert(run_until(c.base, &c.up, 3000));
	snprintf(port, sizeof(port), "127.0.0.1:%u", one.port);
	ck_assert_str_eq(redis_server(c.redis), port);

	// The operator swaps the two: the old master answers, but is none any more.
	freeReplyObject(redis_server_ask(&two, "REPLICAOF NO ONE"));
	freeReplyObject(redis_server_ask(&sentinel, "SENTINEL REMOVE m"));
	freeReplyObject(redis_server_ask(&sentinel, "SENTINEL MONITOR m 127.0.0.1 %d 1", two.port));
	freeReplyObject(redis_server_ask(&one, "REPLICAOF 127.0.0.1 %d", two.port));
	ck_assert(run_until(c.base, &c.down, 3000));
	ck_assert_msg(strstr(c.why, "not the master any more") != NULL, "%s", c.why);
	ck_assert(run_until(c.base, &c.up, 3000));
	snprintf(port, sizeof(port), "127.0.0.1:%u", two.port);
	ck_assert_str_eq(redis_server(c.redis), port);
	client_stop(&c);
	redis_server_stop(&sentinel);
	redis_server_stop(&two);
	redis_server_stop(&one);
}
END_TEST

START_TEST(connects_to_a_name_without_blocking)
{
	struct redis_server server = {.port = free_port()};
	struct redis_options options = {.address = {.host = "localhost"}};
	struct client c = {0};
	uint64_t start;

	redis_server_start(&server);
	options.address.port = server.port;
	client_start(&c, &options);
	ck_assert(run_until(c.base, &c.up, 3000));
	client_stop(&c);

	options.address.host = "redis.sipshunt.invalid";
	c = (struct client){0};
	client_start(&c, &options);
	start = test_now_ms();
	event_base_loop(c.base, EVLOOP_NONBLOCK);
	ck_assert_uint_lt(test_now_ms() - start, 500);
	ck_assert(run_until(c.base, &c.down, 2000));
	client_stop(&c);
	redis_server_stop(&server);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("redis");
	TCase *tcase = tcase_create("redis");
	SRunner *runner;
	int failed;

	signal(SIGPIPE, SIG_IGN); // as the control process does
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, refuses_options_without_a_server);
	tcase_add_test(tcase, pipelines_in_order_over_a_unix_socket);
	tcase_add_test(tcase, sends_any_octets);
	tcase_add_test(tcase, authenticates_and_selects_the_database);
	tcase_add_test(tcase, comes_back_after_kill_9_of_the_server);
	tcase_add_test(tcase, gives_up_on_a_server_that_stopped_answering);
	tcase_add_test(tcase, gives_up_on_an_address_that_does_not_answer);
	tcase_add_test(tcase, keeps_a_silent_connection_alive);
	tcase_add_test(tcase, a_full_queue_is_an_error_to_the_caller);
	tcase_add_test(tcase, octets_that_the_socket_does_not_take_are_bounded);
	tcase_add_loop_test(tcase, a_hostile_server_is_dropped_and_tried_again, 0,
		sizeof(hostile) / sizeof(hostile[0]));
	tcase_add_test(tcase, an_endless_reply_ends_at_the_limit);
	tcase_add_test(tcase, a_server_that_accepts_and_says_nothing_is_given_up);
	tcase_add_test(tcase, follows_the_master_that_sentinel_names);
	tcase_add_test(tcase, connects_to_a_name_without_blocking);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

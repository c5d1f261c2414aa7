// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_CONTROL_REDIS_SERVER_H
#define TESTS_CONTROL_REDIS_SERVER_H

#include <check.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// A redis-server of the test's own, on a UNIX socket in a directory of its own, gone with the test.

struct redis_server {
	char dir[64];
	char path[80];
	const char *options[8]; // more arguments, NULL-terminated
	uint16_t port; // 0: UNIX socket only
	bool sentinel;
	pid_t pid;
};

static inline uint64_t test_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static inline void test_sleep_ms(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&ts, NULL);
}

static inline void run_for(struct event_base *base, uint64_t ms)
{
	uint64_t end = test_now_ms() + ms;

	while (test_now_ms() < end) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		test_sleep_ms(1);
	}
}

// Turn the loop until *done; returns *done. Ten times as long as it should take: the machine may be
// busy.
static inline bool run_until(struct event_base *base, const volatile bool *done, uint64_t ms)
{
	uint64_t end = test_now_ms() + 10 * ms;

	while (!*done && test_now_ms() < end)
		run_for(base, 1);
	return *done;
}

static inline redisContext *redis_server_connect(const struct redis_server *s)
{
	for (unsigned int i = 0; i < 500; i++) {
		redisContext *c = redisConnectUnix(s->path);

		if (c != NULL && c->err == 0)
			return c;
		redisFree(c);
		test_sleep_ms(10);
	}
	ck_abort_msg("redis-server does not answer at %s", s->path);
	return NULL;
}

static inline void redis_server_spawn(struct redis_server *s)
{
	const char *argv[32] = {"redis-server"};
	char port[8], conf[96];
	unsigned int nb = 1;

	snprintf(port, sizeof(port), "%u", s->port);
	if (s->sentinel) {
		snprintf(conf, sizeof(conf), "%s/sentinel.conf", s->dir);
		argv[nb++] = conf;
		argv[nb++] = "--sentinel";
	}
	argv[nb++] = "--port";
	argv[nb++] = port;
	argv[nb++] = "--bind";
	argv[nb++] = "127.0.0.1";
	argv[nb++] = "--unixsocket";
	argv[nb++] = s->path;
	argv[nb++] = "--dir";
	argv[nb++] = s->dir;
	if (!s->sentinel) {
		argv[nb++] = "--save";
		argv[nb++] = "";
	}
	for (unsigned int i = 0; s->options[i] != NULL; i++)
		argv[nb++] = s->options[i];
	argv[nb] = NULL;
	s->pid = fork();
	ck_assert_int_ge(s->pid, 0);
	if (s->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ck_assert_ptr_nonnull(freopen("/dev/null", "w", stdout));
		execvp("redis-server", (char **)argv);
		_exit(127);
	}
	redisFree(redis_server_connect(s));
}

// Options may be filled in before.
static inline void redis_server_start(struct redis_server *s)
{
	strcpy(s->dir, "/tmp/sipshunt-test-redis-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(s->dir));
	snprintf(s->path, sizeof(s->path), "%s/redis.sock", s->dir);
	if (s->sentinel) {
		char conf[96];
		FILE *f;

		snprintf(conf, sizeof(conf), "%s/sentinel.conf", s->dir);
		f = fopen(conf, "w");
		ck_assert_ptr_nonnull(f);
		fclose(f);
	}
	redis_server_spawn(s);
}

static inline void redis_server_kill(struct redis_server *s)
{
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	s->pid = 0;
	unlink(s->path);
}

static inline void redis_server_stop(struct redis_server *s)
{
	char command[96];

	redis_server_kill(s);
	snprintf(command, sizeof(command), "rm -rf '%s'", s->dir);
	ck_assert_int_eq(system(command), 0);
}

// One command, waited for; the caller frees the reply.
__attribute__((format(printf, 2, 3))) static inline redisReply *redis_server_ask(
	const struct redis_server *s, const char *format, ...)
{
	redisContext *c = redis_server_connect(s);
	redisReply *reply;
	va_list ap;

	va_start(ap, format);
	reply = redisvCommand(c, format, ap);
	va_end(ap);
	redisFree(c);
	ck_assert_ptr_nonnull(reply);
	return reply;
}

// A command whose answer is a number.
#define redis_server_number(s, ...)                                    \
	({                                                             \
		redisReply *reply_ = redis_server_ask(s, __VA_ARGS__); \
		long long number_ = reply_->integer;                   \
		freeReplyObject(reply_);                               \
		number_;                                               \
	})

#endif

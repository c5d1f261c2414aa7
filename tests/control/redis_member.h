// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_CONTROL_REDIS_MEMBER_H
#define TESTS_CONTROL_REDIS_MEMBER_H

#include "control/redis.h"
#include "tests/control/redis_server.h"

// For tests of a part of the cluster: nodes that share a redis_server, each with its own loop and
// connection. A test has a struct for a node with the members `base`, `redis`, `up` and its part.

#define PREFIX "sipshunt:{c1}:"

// The connection's callbacks: they keep `up` and tell the part, whose functions are
// <name>_redis_up() and <name>_redis_down().
#define REDIS_MEMBER_CALLBACKS(type, part, name)        \
	static void on_up(void *arg)                    \
	{                                               \
		type *m = arg;                          \
                                                        \
		m->up = true;                           \
		name##_redis_up(m->part);               \
	}                                               \
                                                        \
	static void on_down(void *arg, const char *why) \
	{                                               \
		type *m = arg;                          \
                                                        \
		m->up = false;                          \
		name##_redis_down(m->part);             \
	}                                               \
                                                        \
	static const struct redis_callbacks redis_callbacks = {.on_up = on_up, .on_down = on_down}

static inline struct redis *redis_member_connect(struct event_base *base,
	const struct redis_server *server, const struct redis_callbacks *callbacks, void *arg)
{
	struct redis_options options = {.address.path = server->path,
		.command_timeout_ms = 10000, // the machine may be busy
		.backoff_min_ms = 20,
		.backoff_max_ms = 100};
	struct redis *redis = redis_create(base, &options, callbacks, arg);

	ck_assert_ptr_nonnull(redis);
	return redis;
}

// Turn the loops of both until a condition holds; `also` is done at every turn.
#define RUN_BOTH_AND(a, b, also, condition, ms)                                                \
	do {                                                                                   \
		uint64_t end_ = test_now_ms() + 10 * (ms); /* the machine may be busy */       \
		while (!(condition)) {                                                         \
			ck_assert_msg(test_now_ms() < end_, "not within %d ms: %s", (int)(ms), \
				#condition);                                                   \
			event_base_loop((a)->base, EVLOOP_NONBLOCK);                           \
			event_base_loop((b)->base, EVLOOP_NONBLOCK);                           \
			also;                                                                  \
			test_sleep_ms(1);                                                      \
		}                                                                              \
	} while (0)
#define RUN_BOTH(a, b, condition, ms) RUN_BOTH_AND(a, b, (void)0, condition, ms)
#define RUN(a, condition, ms) RUN_BOTH(a, a, condition, ms)

#endif

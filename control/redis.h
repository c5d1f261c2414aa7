// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_REDIS_H
#define CONTROL_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parser/strv.h"

// A Redis client that never blocks: the socket lives in libevent, hiredis is only the codec. It
// keeps one connection to one master, whose address is configured or asked from Sentinel, and opens
// it again whenever it is lost. Commands are pipelined; replies arrive in the order of the
// commands.
//
// One thread: the one that runs the event base. The process must ignore SIGPIPE.

struct event_base;
struct redis;
struct redisReply; // of hiredis

struct redis_address {
	const char *host; // a name or an address without brackets; NULL for a UNIX socket
	uint16_t port;
	const char *path; // of a UNIX socket; NULL unless host is
};

// Copied by redis_create(). A 0 takes the default in brackets.
struct redis_options {
	struct redis_address address; // ignored when Sentinel names the master
	const char *master_name; // NULL: no Sentinel
	const struct redis_address *sentinels;
	uint32_t nb_sentinels;
	const char *username; // NULL: the default user
	const char *password; // NULL: no AUTH
	uint32_t database;
	const char *client_name; // as CLIENT LIST shall show it; NULL: none
	uint32_t connect_timeout_ms; // [500]
	uint32_t command_timeout_ms; // [500] an unanswered command ends the connection
	uint32_t keepalive_ms; // [10000] PING, or ROLE with Sentinel, at least so often
	uint32_t backoff_min_ms; // [100] before connecting again; doubles with each failure
	uint32_t backoff_max_ms; // [5000]
	uint32_t queue_max; // [4096] commands without a reply
	size_t queue_octets_max; // [4 MiB] commands that the socket did not take yet
	size_t reply_octets_max; // [64 MiB] a larger reply ends the connection
	uint32_t reply_elements_max; // [1048576] array elements of a reply, nested ones included
};

struct redis_callbacks {
	void (*on_up)(void *arg); // connected, authenticated, and a master if Sentinel said so
	void (*on_down)(void *arg, const char *why); // was up, or one attempt failed
};

// reply: NULL when the connection was lost or the command timed out, whether or not Redis executed
// it; valid during the call only. redis_send() is allowed inside, redis_destroy() is not.
typedef void redis_reply_fn(const struct redisReply *reply, void *arg);

// Starts to connect at once. `arg` is what the callbacks get; they never run inside this call.
// Returns NULL and errno: EINVAL for options that name no server, or ENOMEM.
struct redis *redis_create(struct event_base *base, const struct redis_options *options,
	const struct redis_callbacks *callbacks, void *arg);

// Ends every command without a reply (their callbacks run with NULL) and closes.
void redis_destroy(struct redis *redis);

bool redis_is_up(const struct redis *redis);
// The server in use or last tried: "192.0.2.1:6379", "unix:/run/redis.sock".
const char *redis_server(const struct redis *redis);
// Commands without a reply.
uint32_t redis_pending(const struct redis *redis);

// Send one command. fn may be NULL. Returns 0, or
//   -ENOTCONN  not up
//   -ENOBUFS   the queue is full; ask again after a reply
//   -ENOMEM
// After an error fn is not called.
int redis_send(struct redis *redis, const struct strv *args, uint32_t nb_args, redis_reply_fn *fn,
	void *arg);

// Give the connection up and open it again: the server is not what it should be.
void redis_reconnect(struct redis *redis, const char *why);

// ---- Statistics --------------------------------------------------------------------------------

enum redis_result {
	REDIS_OK_REPLY,
	REDIS_ERROR_REPLY,
	REDIS_TIMED_OUT,
	REDIS_LOST, // the connection ended before the reply
	REDIS_REFUSED, // -ENOTCONN or -ENOBUFS to the caller
	REDIS_RESULTS
};

#define REDIS_COMMANDS 18 // names that are counted apart, "other" included
#define REDIS_RTT_BUCKETS 12

struct redis_stats {
	uint64_t commands[REDIS_COMMANDS][REDIS_RESULTS];
	uint64_t rtt[REDIS_RTT_BUCKETS + 1]; // not cumulative; the last one is everything longer
	uint64_t rtt_sum_us;
	uint64_t connects; // connections that came up; the first one included
	uint64_t failures; // attempts that did not, and connections lost
	uint64_t protocol_errors; // replies that broke the protocol or a limit
};

extern const uint32_t redis_rtt_bounds_us[REDIS_RTT_BUCKETS]; // upper bounds, included

const struct redis_stats *redis_stats(const struct redis *redis);
const char *redis_command_name(uint32_t command); // "evalsha", lower case
const char *redis_result_name(enum redis_result result); // "ok"

#endif

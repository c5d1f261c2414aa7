// SPDX-License-Identifier: BSD-3-Clause
#include "control/redis.h"

#include "control/redis_frame.h"
#include "control/redis_options.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <hiredis/hiredis.h>

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define TICK_MS 50 // resolution of the time limits
#define COMMAND_ARGS_MAX 16384
#define INPUT_KEEP (64 * 1024) // octets of an empty input buffer that are kept

enum phase {
	PHASE_WAIT, // for the next attempt
	PHASE_SENTINEL, // connecting to a Sentinel, or waiting for its answer
	PHASE_CONNECT,
	PHASE_HANDSHAKE,
	PHASE_UP
};

struct request {
	redis_reply_fn *fn; // NULL: nobody wants to know
	void *arg;
	uint64_t sent_us;
	uint32_t command; // index of redis_command_name()
};

struct redis {
	struct event_base *base;
	struct redis_callbacks callbacks;
	void *arg;
	struct redis_options options; // a copy

	enum phase phase;
	struct redis_address master; // in use; host and path owned when Sentinel named it
	char server[160];
	struct bufferevent *bev;
	struct evdns_base *dns; // from the first name on
	struct event *tick; // time limits, keep-alive
	struct event *retry; // next attempt
	uint64_t phase_end_us; // of connecting
	uint64_t last_sent_us;
	uint64_t last_check_us;
	uint32_t backoff_ms;
	uint32_t next_sentinel;
	uint32_t sentinels_tried; // in this round
	uint32_t handshake_left;
	uint32_t epoch; // of the connection: tells loops that it is gone

	redisReader *reader;
	struct redis_frame frame;
	char *input;
	size_t input_len, input_size;

	struct request *queue; // a ring, queue_size a power of 2
	uint32_t queue_size, queue_head, queue_tail;
	struct redis_stats stats;
};

const uint32_t redis_rtt_bounds_us[REDIS_RTT_BUCKETS] = {
	100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 1000000};

static const char *const command_names[REDIS_COMMANDS] = {"auth", "client", "del", "evalsha",
	"hdel", "hgetall", "hset", "pexpire", "ping", "role", "scan", "script", "select",
	"sentinel", "xread", "xrange", "xrevrange", "other"};

static const char *const result_names[REDIS_RESULTS] = {
	[REDIS_OK_REPLY] = "ok",
	[REDIS_ERROR_REPLY] = "error",
	[REDIS_TIMED_OUT] = "timeout",
	[REDIS_LOST] = "lost",
	[REDIS_REFUSED] = "refused",
};

static void drop(struct redis *r, const char *why, enum redis_result result);

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static struct timeval tv_from_ms(uint32_t ms)
{
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

static uint32_t command_index(struct strv name)
{
	uint32_t i = 0;

	while (i < REDIS_COMMANDS - 1 && !strv_ieq(name, strv_from(command_names[i])))
		i++;
	return i;
}

// ---- Commands ----------------------------------------------------------------------------------

static int format_command(const struct strv *args, uint32_t nb_args, char **command)
{
	const char **argv;
	size_t *lens;
	int len = -1;

	argv = malloc(nb_args * sizeof(*argv));
	lens = malloc(nb_args * sizeof(*lens));
	if (argv != NULL && lens != NULL) {
		for (uint32_t i = 0; i < nb_args; i++) {
			// hiredis copies with memcpy(), which NULL is not for, even of no octets.
			argv[i] = args[i].ptr != NULL ? args[i].ptr : "";
			lens[i] = args[i].len;
		}
		len = redisFormatCommandArgv(command, (int)nb_args, argv, lens);
	}
	free(argv);
	free(lens);
	return len < 0 ? -ENOMEM : len;
}

static int send_command(
	struct redis *r, const struct strv *args, uint32_t nb_args, redis_reply_fn *fn, void *arg)
{
	struct evbuffer *out = bufferevent_get_output(r->bev);
	struct request *request;
	char *command;
	int len;

	if (nb_args == 0 || nb_args > COMMAND_ARGS_MAX)
		return -EINVAL;
	if (r->queue_tail - r->queue_head == r->options.queue_max ||
		evbuffer_get_length(out) >= r->options.queue_octets_max)
		return -ENOBUFS;
	len = format_command(args, nb_args, &command);
	if (len < 0)
		return len;
	if (bufferevent_write(r->bev, command, (size_t)len) != 0) {
		free(command);
		return -ENOMEM;
	}
	free(command);

	request = &r->queue[r->queue_tail++ & (r->queue_size - 1)];
	*request = (struct request){
		.fn = fn,
		.arg = arg,
		.sent_us = now_us(),
		.command = command_index(args[0]),
	};
	r->last_sent_us = request->sent_us;
	return 0;
}

static void count_rtt(struct redis_stats *stats, uint64_t us)
{
	uint32_t i = 0;

	while (i < REDIS_RTT_BUCKETS && us > redis_rtt_bounds_us[i])
		i++;
	stats->rtt[i]++;
	stats->rtt_sum_us += us;
}

static void end_request(struct redis *r, const redisReply *reply, enum redis_result result)
{
	struct request request = r->queue[r->queue_head++ & (r->queue_size - 1)];

	r->stats.commands[request.command][result]++;
	if (reply != NULL)
		count_rtt(&r->stats, now_us() - request.sent_us);
	if (request.fn != NULL)
		request.fn(reply, request.arg);
}

int redis_send(struct redis *redis, const struct strv *args, uint32_t nb_args, redis_reply_fn *fn,
	void *arg)
{
	int ret = -ENOTCONN;

	if (redis->phase == PHASE_UP)
		ret = send_command(redis, args, nb_args, fn, arg);
	if (ret < 0 && nb_args > 0)
		redis->stats.commands[command_index(args[0])][REDIS_REFUSED]++;
	return ret;
}

// ---- The connection's life ---------------------------------------------------------------------

// Forget the connection; what waits for a reply gets none. The first of them is to blame for a
// time-out, the others are lost with it.
static void close_connection(struct redis *r, enum redis_result first)
{
	r->epoch++;
	r->phase = PHASE_WAIT;
	if (r->bev != NULL)
		bufferevent_free(r->bev);
	r->bev = NULL;
	event_del(r->tick);
	r->input_len = 0;
	r->frame = (struct redis_frame){0};
	if (r->reader != NULL)
		redisReaderFree(r->reader);
	r->reader = NULL;
	while (r->queue_head != r->queue_tail) {
		end_request(r, NULL, first);
		first = REDIS_LOST;
	}
}

// The next attempt: after a time that doubles, and never at the same time as other nodes'.
static void schedule_retry(struct redis *r)
{
	uint32_t half = r->backoff_ms / 2 + 1, jitter;
	struct timeval tv;

	evutil_secure_rng_get_bytes(&jitter, sizeof(jitter));
	tv = tv_from_ms(half + jitter % half);
	evtimer_add(r->retry, &tv);
	r->backoff_ms *= 2;
	if (r->backoff_ms > r->options.backoff_max_ms)
		r->backoff_ms = r->options.backoff_max_ms;
}

static void drop(struct redis *r, const char *why, enum redis_result result)
{
	bool more_sentinels;

	close_connection(r, result);
	r->stats.failures++;
	r->sentinels_tried++;
	more_sentinels =
		r->options.master_name != NULL && r->sentinels_tried < r->options.nb_sentinels;
	if (r->callbacks.on_down != NULL)
		r->callbacks.on_down(r->arg, why);
	if (more_sentinels) {
		struct timeval soon = {0};

		evtimer_add(r->retry, &soon);
		return;
	}
	r->sentinels_tried = 0;
	schedule_retry(r);
}

__attribute__((format(printf, 2, 3))) static void fail(struct redis *r, const char *format, ...)
{
	char why[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, sizeof(why), format, ap);
	va_end(ap);
	drop(r, why, REDIS_LOST);
}

void redis_reconnect(struct redis *redis, const char *why)
{
	if (redis->bev != NULL)
		fail(redis, "%s", why);
}

static void become_up(struct redis *r)
{
	r->phase = PHASE_UP;
	r->backoff_ms = r->options.backoff_min_ms;
	r->sentinels_tried = 0;
	r->last_check_us = now_us();
	r->stats.connects++;
	if (r->callbacks.on_up != NULL)
		r->callbacks.on_up(r->arg);
}

// ---- Handshake ---------------------------------------------------------------------------------

static bool role_is_master(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
		(reply->element[0]->type == REDIS_REPLY_STRING ||
			reply->element[0]->type == REDIS_REPLY_STATUS) &&
		strcmp(reply->element[0]->str, "master") == 0;
}

static void on_handshake_reply(const redisReply *reply, void *arg)
{
	struct redis *r = arg;

	if (reply == NULL)
		return;
	if (reply->type == REDIS_REPLY_ERROR) {
		fail(r, "%s refused: %s", redis_server(r), reply->str);
		return;
	}
	if (--r->handshake_left == 0)
		become_up(r);
}

// A name for CLIENT LIST is a courtesy: an ACL may forbid it.
static void on_ignored_reply(const redisReply *reply, void *arg)
{
	struct redis *r = arg;

	if (reply != NULL && --r->handshake_left == 0)
		become_up(r);
}

static void on_role_reply(const redisReply *reply, void *arg)
{
	struct redis *r = arg;

	if (reply == NULL)
		return;
	if (!role_is_master(reply)) {
		fail(r, "%s is not the master any more", redis_server(r));
		return;
	}
	if (r->phase == PHASE_HANDSHAKE)
		on_handshake_reply(reply, r);
}

static int start_handshake(struct redis *r)
{
	const struct redis_options *o = &r->options;
	struct strv args[3];
	char number[16];
	int ret = 0;

	r->phase = PHASE_HANDSHAKE;
	r->handshake_left = 0;
	if (o->password != NULL) {
		uint32_t nb = 0;

		args[nb++] = STRV("AUTH");
		if (o->username != NULL)
			args[nb++] = strv_from(o->username);
		args[nb++] = strv_from(o->password);
		ret |= send_command(r, args, nb, on_handshake_reply, r);
		r->handshake_left++;
	}
	if (o->client_name != NULL) {
		args[0] = STRV("CLIENT");
		args[1] = STRV("SETNAME");
		args[2] = strv_from(o->client_name);
		ret |= send_command(r, args, 3, on_ignored_reply, r);
		r->handshake_left++;
	}
	snprintf(number, sizeof(number), "%u", o->database);
	args[0] = STRV("SELECT");
	args[1] = strv_from(number);
	ret |= send_command(r, args, 2, on_handshake_reply, r);
	// The last one tells a server that is still loading its data (-LOADING) from one that
	// works.
	args[0] = o->master_name != NULL ? STRV("ROLE") : STRV("PING");
	ret |= send_command(
		r, args, 1, o->master_name != NULL ? on_role_reply : on_handshake_reply, r);
	r->handshake_left += 2;
	return ret;
}

// ---- Sentinel ----------------------------------------------------------------------------------

static void free_master(struct redis *r)
{
	free((char *)r->master.host);
	free((char *)r->master.path);
	r->master = (struct redis_address){0};
}

static void on_master_address(const redisReply *reply, void *arg)
{
	struct redis *r = arg;
	const redisReply *host, *port;
	char *end;
	unsigned long number;

	if (reply == NULL)
		return;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
		reply->element[0]->type != REDIS_REPLY_STRING ||
		reply->element[1]->type != REDIS_REPLY_STRING) {
		fail(r, "Sentinel %s does not know a master \"%s\"%s%s", redis_server(r),
			r->options.master_name, reply->type == REDIS_REPLY_ERROR ? ": " : "",
			reply->type == REDIS_REPLY_ERROR ? reply->str : "");
		return;
	}
	host = reply->element[0];
	port = reply->element[1];
	number = strtoul(port->str, &end, 10);
	if (host->len == 0 || host->len > 255 || strlen(host->str) != host->len || *end != '\0' ||
		number == 0 || number > UINT16_MAX) {
		fail(r, "Sentinel %s names a bad master", redis_server(r));
		return;
	}
	free_master(r);
	r->master.host = strdup(host->str);
	r->master.port = (uint16_t)number;
	// The reply belongs to the connection that is about to be closed: connect from the loop.
	close_connection(r, REDIS_LOST);
	r->phase = PHASE_CONNECT;
	event_active(r->retry, EV_TIMEOUT, 0);
}

static int ask_sentinel(struct redis *r)
{
	const struct strv args[] = {STRV("SENTINEL"), STRV("get-master-addr-by-name"),
		strv_from(r->options.master_name)};

	return send_command(r, args, 3, on_master_address, r);
}

// ---- Events ------------------------------------------------------------------------------------

static int input_reserve(struct redis *r, size_t len)
{
	size_t size = r->input_size > 0 ? r->input_size : 16384;
	char *grown;

	while (size - r->input_len < len)
		size *= 2;
	if (size == r->input_size)
		return 0;
	grown = realloc(r->input, size);
	if (grown == NULL)
		return -ENOMEM;
	r->input = grown;
	r->input_size = size;
	return 0;
}

static void handle_reply(struct redis *r, const char *octets, size_t len)
{
	uint32_t epoch = r->epoch;
	redisReply *reply = NULL;

	if (r->queue_head == r->queue_tail) {
		r->stats.protocol_errors++;
		fail(r, "%s sent a reply that nobody asked for", redis_server(r));
		return;
	}
	if (redisReaderFeed(r->reader, octets, len) != REDIS_OK ||
		redisReaderGetReply(r->reader, (void **)&reply) != REDIS_OK || reply == NULL) {
		r->stats.protocol_errors++;
		fail(r, "%s sent a bad reply: %s", redis_server(r),
			r->reader->err ? r->reader->errstr : "incomplete");
		return;
	}
	end_request(
		r, reply, reply->type == REDIS_REPLY_ERROR ? REDIS_ERROR_REPLY : REDIS_OK_REPLY);
	// A master that became a replica: ask Sentinel, or the operator's address, again.
	if (r->epoch == epoch && r->phase == PHASE_UP && reply->type == REDIS_REPLY_ERROR &&
		strncmp(reply->str, "READONLY", 8) == 0)
		fail(r, "%s is a read-only replica", redis_server(r));
	freeReplyObject(reply);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct redis *r = arg;
	struct redis_frame_limits limits = {
		r->options.reply_octets_max, r->options.reply_elements_max};
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t len = evbuffer_get_length(in), done = 0;
	uint32_t epoch = r->epoch;
	int ret;

	if (input_reserve(r, len) < 0) {
		fail(r, "%s: out of memory for a reply", redis_server(r));
		return;
	}
	r->input_len += (size_t)evbuffer_remove(in, r->input + r->input_len, len);
	while ((ret = redis_frame_scan(&r->frame, &limits, r->input + done, r->input_len - done)) ==
		1) {
		size_t size = r->frame.pos;

		r->frame = (struct redis_frame){0};
		handle_reply(r, r->input + done, size);
		if (r->epoch != epoch)
			return;
		done += size;
	}
	if (ret < 0) {
		r->stats.protocol_errors++;
		fail(r, "%s sent %s", redis_server(r),
			ret == -EMSGSIZE ? "a reply over the limit" : "what is not a reply");
		return;
	}
	r->input_len -= done;
	memmove(r->input, r->input + done, r->input_len);
	if (r->input_len == 0 && r->input_size > INPUT_KEEP) {
		free(r->input);
		r->input = NULL;
		r->input_size = 0;
	}
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct redis *r = arg;
	int error = EVUTIL_SOCKET_ERROR(), one = 1, ret;

	if (what & BEV_EVENT_CONNECTED) {
		setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		bufferevent_enable(bev, EV_READ | EV_WRITE);
		ret = r->phase == PHASE_SENTINEL ? ask_sentinel(r) : start_handshake(r);
		if (ret < 0)
			fail(r, "%s: %s", redis_server(r), strerror(-ret));
		return;
	}
	if (what & BEV_EVENT_EOF)
		fail(r, "%s closed the connection", redis_server(r));
	else if (bufferevent_socket_get_dns_error(bev) != 0)
		fail(r, "%s: %s", redis_server(r),
			evutil_gai_strerror(bufferevent_socket_get_dns_error(bev)));
	else
		fail(r, "%s: %s", redis_server(r), evutil_socket_error_to_string(error));
}

static void keep_alive(struct redis *r, uint64_t now)
{
	uint64_t period = (uint64_t)r->options.keepalive_ms * 1000;
	struct strv command = STRV("PING");

	if (r->phase != PHASE_UP)
		return;
	if (r->options.master_name != NULL) {
		// Also under load: a deposed master may go on answering for a while.
		if (now - r->last_check_us < period)
			return;
		command = STRV("ROLE");
	} else if (now - r->last_sent_us < period) {
		return;
	}
	r->last_check_us = now;
	send_command(r, &command, 1, r->options.master_name != NULL ? on_role_reply : NULL, r);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct redis *r = arg;
	uint64_t now = now_us();
	const struct request *first = &r->queue[r->queue_head & (r->queue_size - 1)];

	if (r->queue_head != r->queue_tail &&
		now - first->sent_us > (uint64_t)r->options.command_timeout_ms * 1000) {
		char why[256];

		snprintf(why, sizeof(why), "%s did not answer %s in %u ms", redis_server(r),
			command_names[first->command], r->options.command_timeout_ms);
		drop(r, why, REDIS_TIMED_OUT);
		return;
	}
	if (r->queue_head == r->queue_tail && r->phase != PHASE_UP && now > r->phase_end_us) {
		fail(r, "%s: no connection in %u ms", redis_server(r),
			r->options.connect_timeout_ms);
		return;
	}
	keep_alive(r, now);
}

// ---- Connecting --------------------------------------------------------------------------------

static int connect_unix(struct redis *r, const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	memcpy(sun.sun_path, path, strlen(path) + 1);
	if (bufferevent_socket_connect(r->bev, (struct sockaddr *)&sun, sizeof(sun)) != 0)
		return -errno;
	return 0;
}

static int connect_host(struct redis *r, const struct redis_address *address)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(address->port)};
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(address->port)};
	int ret;

	if (inet_pton(AF_INET, address->host, &sin.sin_addr) == 1) {
		ret = bufferevent_socket_connect(r->bev, (struct sockaddr *)&sin, sizeof(sin));
	} else if (inet_pton(AF_INET6, address->host, &sin6.sin6_addr) == 1) {
		ret = bufferevent_socket_connect(r->bev, (struct sockaddr *)&sin6, sizeof(sin6));
	} else {
		// Without an evdns_base libevent would ask getaddrinfo(), which blocks.
		if (r->dns == NULL)
			r->dns = evdns_base_new(r->base,
				EVDNS_BASE_INITIALIZE_NAMESERVERS |
					EVDNS_BASE_DISABLE_WHEN_INACTIVE);
		if (r->dns == NULL)
			return -EHOSTUNREACH;
		ret = bufferevent_socket_connect_hostname(
			r->bev, r->dns, AF_UNSPEC, address->host, address->port);
	}
	return ret == 0 ? 0 : errno != 0 ? -errno : -EHOSTUNREACH;
}

static void name_server(struct redis *r, const struct redis_address *address)
{
	if (address->path != NULL)
		snprintf(r->server, sizeof(r->server), "unix:%s", address->path);
	else if (strchr(address->host, ':') != NULL)
		snprintf(r->server, sizeof(r->server), "[%s]:%u", address->host, address->port);
	else
		snprintf(r->server, sizeof(r->server), "%s:%u", address->host, address->port);
}

static int connect_to(struct redis *r, const struct redis_address *address, enum phase phase)
{
	struct timeval tick = tv_from_ms(TICK_MS);
	int ret;

	name_server(r, address);
	r->phase = phase;
	r->phase_end_us = now_us() + (uint64_t)r->options.connect_timeout_ms * 1000;
	r->reader = redisReaderCreate();
	// Deferred: libevent reports some failures to connect from within the call.
	r->bev = bufferevent_socket_new(
		r->base, -1, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (r->reader == NULL || r->bev == NULL)
		return -ENOMEM;
	bufferevent_setcb(r->bev, on_read, NULL, on_event, r);
	event_add(r->tick, &tick);
	errno = 0;
	if (address->path != NULL)
		ret = connect_unix(r, address->path);
	else
		ret = connect_host(r, address);
	return ret;
}

// Take the next address: Sentinel's, the master that it named, or the configured one.
static void connect_next(struct redis *r)
{
	const struct redis_address *address = &r->options.address;
	enum phase phase = PHASE_CONNECT;
	int ret;

	if (r->options.master_name != NULL && r->phase == PHASE_CONNECT) {
		address = &r->master;
	} else if (r->options.master_name != NULL) {
		address = &r->options.sentinels[r->next_sentinel++ % r->options.nb_sentinels];
		phase = PHASE_SENTINEL;
	}
	if (address->host == NULL && address->path == NULL)
		ret = -ENOMEM;
	else
		ret = connect_to(r, address, phase);
	if (ret < 0)
		fail(r, "%s: %s", redis_server(r), strerror(-ret));
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	connect_next(arg);
}

// ---- Create and destroy ------------------------------------------------------------------------

struct redis *redis_create(struct event_base *base, const struct redis_options *options,
	const struct redis_callbacks *callbacks, void *arg)
{
	struct timeval now = {0};
	struct redis *r;

	if (!redis_options_are_sound(options)) {
		errno = EINVAL;
		return NULL;
	}
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->base = base;
	r->callbacks = *callbacks;
	r->arg = arg;
	if (redis_options_copy(&r->options, options) < 0)
		goto free_redis;
	r->backoff_ms = r->options.backoff_min_ms;
	for (r->queue_size = 1; r->queue_size < r->options.queue_max;)
		r->queue_size *= 2;
	r->queue = calloc(r->queue_size, sizeof(*r->queue));
	r->tick = event_new(base, -1, EV_PERSIST, on_tick, r);
	r->retry = evtimer_new(base, on_retry, r);
	if (r->queue == NULL || r->tick == NULL || r->retry == NULL)
		goto free_redis;
	evtimer_add(r->retry, &now);
	return r;

free_redis:
	redis_destroy(r);
	errno = ENOMEM;
	return NULL;
}

void redis_destroy(struct redis *redis)
{
	if (redis == NULL)
		return;
	if (redis->queue != NULL && redis->tick != NULL)
		close_connection(redis, REDIS_LOST);
	if (redis->tick != NULL)
		event_free(redis->tick);
	if (redis->retry != NULL)
		event_free(redis->retry);
	if (redis->dns != NULL)
		evdns_base_free(redis->dns, 1);
	free_master(redis);
	redis_options_fini(&redis->options);
	free(redis->input);
	free(redis->queue);
	free(redis);
}

// ---- What others ask ---------------------------------------------------------------------------

bool redis_is_up(const struct redis *redis)
{
	return redis->phase == PHASE_UP;
}

const char *redis_server(const struct redis *redis)
{
	return redis->server;
}

uint32_t redis_pending(const struct redis *redis)
{
	return redis->queue_tail - redis->queue_head;
}

const struct redis_stats *redis_stats(const struct redis *redis)
{
	return &redis->stats;
}

const char *redis_command_name(uint32_t command)
{
	return command < REDIS_COMMANDS ? command_names[command] : "other";
}

const char *redis_result_name(enum redis_result result)
{
	return result_names[result];
}

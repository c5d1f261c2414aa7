// SPDX-License-Identifier: BSD-3-Clause
#include "control/redis_map.h"

#include "control/redis.h"

#include <event2/event.h>
#include <hiredis/hiredis.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SCAN_COUNT "512"
#define LOADS_IN_FLIGHT 256 // hashes asked for at once
#define BATCH 1000 // changes read at once
#define BATCH_TEXT "1000"
#define RESYNC_SOON_MS 2000 // after Redis refused a write
#define ID_MAX 48 // octets of a stream entry's id
#define VERSION_MAX UINT64_C(9007199254740991) // Lua's numbers are exact up to here

// KEYS: hash, stream. ARGV: field, value, time to live in ms, length of the stream.
// In one step, so that an older value never replaces a newer one, whoever writes last.
static const char put_script[] =
	"local old = redis.call('HGET', KEYS[1], ARGV[1])\n"
	"local function version(v) return tonumber(string.sub(v, 1, 16)) or 0 end\n"
	"if old and version(old) >= version(ARGV[2]) then return 0 end\n"
	"redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])\n"
	"if tonumber(ARGV[3]) > 0 and tonumber(ARGV[3]) > redis.call('PTTL', KEYS[1]) then\n"
	"redis.call('PEXPIRE', KEYS[1], ARGV[3]) end\n"
	"redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'k', KEYS[1], 'f', ARGV[1],\n"
	"'v', ARGV[2])\n"
	"return 1\n";

// One hash on its way.
struct load {
	struct redis_map *map;
	size_t len;
	char key[]; // without the prefix
};

struct redis_map {
	struct event_base *base;
	struct redis *redis; // NULL: none
	struct redis_map_options options; // strings owned
	struct redis_map_callbacks callbacks;
	void *arg;
	struct event *poll; // looks at the stream, goes on with a load that was held up
	bool up;

	char sha[48]; // of the script; empty: not loaded yet
	char position[ID_MAX]; // last stream entry seen; empty: not known yet
	bool reading; // XREAD without a reply

	bool loading;
	bool synced; // loaded at least once since up
	bool wants_room; // a caller was refused
	bool scanning; // SCAN without a reply
	char cursor[24]; // of the next SCAN; empty: the last one was sent
	struct load **queue; // keys of one SCAN
	size_t nb_queue, next_queue;
	uint32_t nb_flying; // hashes asked for
	uint64_t next_load_ms; // CLOCK_MONOTONIC
};

static void pump(struct redis_map *map);

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static struct strv reply_strv(const redisReply *reply)
{
	return (struct strv){reply->str, reply->len};
}

static bool is_string(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS;
}

// Redis refused: what it holds may differ from what we think, so compare again soon.
static void report(struct redis_map *map, const redisReply *reply)
{
	uint64_t soon = now_ms() + RESYNC_SOON_MS;

	if (soon < map->next_load_ms)
		map->next_load_ms = soon;
	if (map->callbacks.on_error != NULL)
		map->callbacks.on_error(
			map->arg, reply->type == REDIS_REPLY_ERROR ? reply->str : "odd reply");
}

// ---- Changes -----------------------------------------------------------------------------------

// One entry: id, [k, key, f, field, v, value]. Entries of others are passed over.
static void take_change(struct redis_map *map, const redisReply *entry)
{
	size_t prefix_len = strlen(map->options.prefix);
	const redisReply *fields;
	struct strv key;

	if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 ||
		!is_string(entry->element[0]) || entry->element[0]->len >= ID_MAX)
		return;
	memcpy(map->position, entry->element[0]->str, entry->element[0]->len + 1);
	fields = entry->element[1];
	if (fields->type != REDIS_REPLY_ARRAY || fields->elements != 6)
		return;
	for (size_t i = 0; i < 6; i++)
		if (!is_string(fields->element[i]))
			return;
	key = reply_strv(fields->element[1]);
	if (key.len < prefix_len || memcmp(key.ptr, map->options.prefix, prefix_len) != 0)
		return;
	key = (struct strv){key.ptr + prefix_len, key.len - prefix_len};
	map->callbacks.on_value(map->arg, key, reply_strv(fields->element[3]),
		reply_strv(fields->element[5]), false);
}

// The oldest entry that the stream still has, asked for after a full batch: when the batch began
// there, entries before it may have been trimmed unseen.
static void on_oldest(const redisReply *reply, void *arg)
{
	struct load *batch = arg;
	struct redis_map *map = batch->map;
	uint64_t oldest[2] = {0}, first[2] = {0};

	if (reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 &&
		reply->element[0]->type == REDIS_REPLY_ARRAY && reply->element[0]->elements == 2 &&
		is_string(reply->element[0]->element[0]) &&
		sscanf(reply->element[0]->element[0]->str, "%" SCNu64 "-%" SCNu64, &oldest[0],
			&oldest[1]) == 2 &&
		sscanf(batch->key, "%" SCNu64 "-%" SCNu64, &first[0], &first[1]) == 2 &&
		(oldest[0] > first[0] || (oldest[0] == first[0] && oldest[1] >= first[1])))
		redis_map_resync(map);
	free(batch);
}

static void ask_oldest(struct redis_map *map, const redisReply *first)
{
	const struct strv args[] = {STRV("XRANGE"), strv_from(map->options.stream), STRV("-"),
		STRV("+"), STRV("COUNT"), STRV("1")};
	struct load *batch;

	if (first->type != REDIS_REPLY_ARRAY || first->elements != 2 ||
		!is_string(first->element[0]))
		return;
	batch = malloc(sizeof(*batch) + first->element[0]->len + 1);
	if (batch == NULL)
		return;
	batch->map = map;
	memcpy(batch->key, first->element[0]->str, first->element[0]->len + 1);
	if (redis_send(map->redis, args, 6, on_oldest, batch) < 0) {
		free(batch);
		redis_map_resync(map);
	}
}

static void read_changes(struct redis_map *map);

static void on_changes(const redisReply *reply, void *arg)
{
	struct redis_map *map = arg;
	const redisReply *entries;

	map->reading = false;
	if (reply == NULL || reply->type == REDIS_REPLY_NIL)
		return;
	// [[stream, [entry, ...]]]
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1 ||
		reply->element[0]->type != REDIS_REPLY_ARRAY || reply->element[0]->elements != 2 ||
		reply->element[0]->element[1]->type != REDIS_REPLY_ARRAY) {
		report(map, reply);
		return;
	}
	entries = reply->element[0]->element[1];
	for (size_t i = 0; i < entries->elements; i++)
		take_change(map, entries->element[i]);
	if (entries->elements < BATCH)
		return;
	ask_oldest(map, entries->element[0]);
	read_changes(map);
}

static void read_changes(struct redis_map *map)
{
	const struct strv args[] = {STRV("XREAD"), STRV("COUNT"), STRV(BATCH_TEXT), STRV("STREAMS"),
		strv_from(map->options.stream), strv_from(map->position)};

	if (!map->reading && redis_send(map->redis, args, 6, on_changes, map) == 0)
		map->reading = true;
}

// ---- Full load ---------------------------------------------------------------------------------

static void finish_load(struct redis_map *map)
{
	map->loading = false;
	map->synced = true;
	map->next_load_ms = now_ms() + map->options.resync_ms;
	map->callbacks.on_loaded(map->arg);
}

static void on_hash(const redisReply *reply, void *arg)
{
	struct load *load = arg;
	struct redis_map *map = load->map;
	struct strv key = {load->key, load->len};

	map->nb_flying--;
	if (reply != NULL && reply->type == REDIS_REPLY_ARRAY) {
		for (size_t i = 0; i + 1 < reply->elements; i += 2)
			if (is_string(reply->element[i]) && is_string(reply->element[i + 1]))
				map->callbacks.on_value(map->arg, key,
					reply_strv(reply->element[i]),
					reply_strv(reply->element[i + 1]), true);
	} else if (reply != NULL) {
		report(map, reply);
	}
	free(load);
	if (reply != NULL)
		pump(map);
}

static int ask_hash(struct redis_map *map, struct load *load)
{
	size_t prefix_len = strlen(map->options.prefix);
	char *key = malloc(prefix_len + load->len + 1);
	struct strv args[] = {STRV("HGETALL"), {key, prefix_len + load->len}};
	int ret = -ENOMEM;

	if (key != NULL) {
		memcpy(key, map->options.prefix, prefix_len);
		memcpy(key + prefix_len, load->key, load->len);
		ret = redis_send(map->redis, args, 2, on_hash, load);
	}
	free(key);
	if (ret == 0)
		map->nb_flying++;
	return ret;
}

static struct load *load_create(struct redis_map *map, struct strv key)
{
	struct load *load = malloc(sizeof(*load) + key.len + 1);

	if (load == NULL)
		return NULL;
	load->map = map;
	load->len = key.len;
	if (key.len > 0)
		memcpy(load->key, key.ptr, key.len);
	load->key[key.len] = '\0';
	return load;
}

static void clear_queue(struct redis_map *map)
{
	while (map->next_queue < map->nb_queue)
		free(map->queue[map->next_queue++]);
	free(map->queue);
	map->queue = NULL;
	map->nb_queue = map->next_queue = 0;
}

// [cursor, [key, ...]]
static void on_scan(const redisReply *reply, void *arg)
{
	struct redis_map *map = arg;
	size_t prefix_len = strlen(map->options.prefix);
	const redisReply *keys;

	map->scanning = false;
	if (reply == NULL)
		return;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
		!is_string(reply->element[0]) || reply->element[0]->len >= sizeof(map->cursor) ||
		reply->element[1]->type != REDIS_REPLY_ARRAY) {
		map->loading = false;
		report(map, reply);
		return;
	}
	memcpy(map->cursor, reply->element[0]->str, reply->element[0]->len + 1);
	if (strcmp(map->cursor, "0") == 0)
		map->cursor[0] = '\0';
	keys = reply->element[1];
	map->queue = calloc(keys->elements + 1, sizeof(*map->queue));
	for (size_t i = 0; map->queue != NULL && i < keys->elements; i++) {
		struct strv key = reply_strv(keys->element[i]);
		struct load *load;

		if (!is_string(keys->element[i]) || key.len < prefix_len)
			continue;
		load = load_create(map, (struct strv){key.ptr + prefix_len, key.len - prefix_len});
		if (load != NULL)
			map->queue[map->nb_queue++] = load;
	}
	pump(map);
}

// The prefix as a pattern of SCAN: what is special in one stands for itself.
static void format_pattern(const char *prefix, char *pattern, size_t size)
{
	size_t len = 0;

	for (; *prefix != '\0' && len + 4 < size; prefix++) {
		if (strchr("*?[]\\^", *prefix) != NULL)
			pattern[len++] = '\\';
		pattern[len++] = *prefix;
	}
	pattern[len++] = '*';
	pattern[len] = '\0';
}

static void scan(struct redis_map *map)
{
	char pattern[512];
	const struct strv args[] = {STRV("SCAN"), strv_from(map->cursor), STRV("MATCH"),
		{pattern, 0}, STRV("COUNT"), STRV(SCAN_COUNT)};
	struct strv filled[6];

	format_pattern(map->options.prefix, pattern, sizeof(pattern));
	memcpy(filled, args, sizeof(filled));
	filled[3].len = strlen(pattern);
	if (redis_send(map->redis, filled, 6, on_scan, map) == 0)
		map->scanning = true;
}

// Go on with the load as far as the queue of the client allows.
static void pump(struct redis_map *map)
{
	if (!map->loading || map->scanning)
		return;
	while (map->next_queue < map->nb_queue && map->nb_flying < LOADS_IN_FLIGHT) {
		if (ask_hash(map, map->queue[map->next_queue]) < 0)
			return;
		map->next_queue++;
	}
	if (map->next_queue < map->nb_queue || map->nb_flying > 0)
		return;
	clear_queue(map);
	if (map->cursor[0] != '\0')
		scan(map);
	else
		finish_load(map);
}

static void on_script(const redisReply *reply, void *arg)
{
	struct redis_map *map = arg;

	if (reply == NULL)
		return;
	if (!is_string(reply) || reply->len >= sizeof(map->sha)) {
		report(map, reply);
		return;
	}
	memcpy(map->sha, reply->str, reply->len + 1);
}

static void load_script(struct redis_map *map)
{
	const struct strv args[] = {STRV("SCRIPT"), STRV("LOAD"), STRV(put_script)};

	redis_send(map->redis, args, 3, on_script, map);
}

static void start_load(struct redis_map *map)
{
	struct load *load;

	clear_queue(map);
	map->loading = true;
	if (map->sha[0] == '\0')
		load_script(map);
	map->callbacks.on_load_begin(map->arg);
	if (!map->options.single) {
		strcpy(map->cursor, "0");
	} else {
		map->cursor[0] = '\0';
		load = load_create(map, (struct strv){NULL, 0});
		map->queue = calloc(1, sizeof(*map->queue));
		if (load == NULL || map->queue == NULL) {
			free(load);
			map->loading = false;
			return;
		}
		map->queue[map->nb_queue++] = load;
	}
	pump(map);
}

// ---- Connection --------------------------------------------------------------------------------

// Where the stream ends now: changes from here on are read, everything before is loaded.
static void on_last(const redisReply *reply, void *arg)
{
	struct redis_map *map = arg;

	if (reply == NULL)
		return;
	strcpy(map->position, "0-0");
	if (reply->type != REDIS_REPLY_ARRAY)
		report(map, reply);
	else if (reply->elements == 1 && reply->element[0]->type == REDIS_REPLY_ARRAY &&
		reply->element[0]->elements == 2 && is_string(reply->element[0]->element[0]) &&
		reply->element[0]->element[0]->len < ID_MAX)
		strcpy(map->position, reply->element[0]->element[0]->str);
	start_load(map);
}

void redis_map_up(struct redis_map *map)
{
	const struct strv args[] = {STRV("XREVRANGE"), strv_from(map->options.stream), STRV("+"),
		STRV("-"), STRV("COUNT"), STRV("1")};

	if (map->redis == NULL)
		return;
	map->up = true;
	map->next_load_ms = now_ms() + map->options.resync_ms;
	redis_send(map->redis, args, 6, on_last, map);
}

void redis_map_down(struct redis_map *map)
{
	clear_queue(map);
	map->up = false;
	map->synced = false;
	map->loading = false;
	map->sha[0] = '\0';
	map->position[0] = '\0';
}

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct redis_map *map = arg;

	if (!map->up || map->position[0] == '\0')
		return;
	read_changes(map);
	if (map->loading)
		pump(map);
	else if (now_ms() >= map->next_load_ms)
		start_load(map);
	if (map->wants_room && map->sha[0] != '\0' && map->callbacks.on_room != NULL) {
		map->wants_room = false;
		map->callbacks.on_room(map->arg);
	}
}

void redis_map_resync(struct redis_map *map)
{
	map->next_load_ms = 0;
}

bool redis_map_is_synced(const struct redis_map *map)
{
	return map->synced;
}

// ---- Writing -----------------------------------------------------------------------------------

static void on_put(const redisReply *reply, void *arg)
{
	struct redis_map *map = arg;

	if (reply == NULL || reply->type == REDIS_REPLY_INTEGER)
		return;
	// Somebody flushed the scripts: the value comes again with the next load.
	if (reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOSCRIPT", 8) == 0)
		map->sha[0] = '\0';
	report(map, reply);
}

int redis_map_put(struct redis_map *map, struct strv key, struct strv field, struct strv value,
	uint64_t ttl_ms)
{
	size_t prefix_len = strlen(map->options.prefix);
	char ttl[24], stream_max[16], *full;
	int ret = -ENOTCONN;

	if (map->up && map->sha[0] != '\0') {
		snprintf(ttl, sizeof(ttl), "%" PRIu64, ttl_ms);
		snprintf(stream_max, sizeof(stream_max), "%u", map->options.stream_max);
		full = malloc(prefix_len + key.len + 1);
		if (full == NULL)
			return -ENOMEM;
		memcpy(full, map->options.prefix, prefix_len);
		if (key.len > 0)
			memcpy(full + prefix_len, key.ptr, key.len);
		const struct strv args[] = {STRV("EVALSHA"), strv_from(map->sha), STRV("2"),
			{full, prefix_len + key.len}, strv_from(map->options.stream), field, value,
			strv_from(ttl), strv_from(stream_max)};
		ret = redis_send(map->redis, args, 9, on_put, map);
		free(full);
	}
	if (ret < 0)
		map->wants_room = true;
	return ret;
}

uint64_t redis_map_version(struct strv value)
{
	uint64_t version = 0;

	if (value.len < REDIS_MAP_VERSION_LEN)
		return 0;
	for (size_t i = 0; i < REDIS_MAP_VERSION_LEN; i++) {
		if (value.ptr[i] < '0' || value.ptr[i] > '9')
			return 0;
		version = version * 10 + (uint64_t)(value.ptr[i] - '0');
	}
	return version <= VERSION_MAX ? version : 0;
}

uint64_t redis_map_next_version(uint64_t known)
{
	struct timespec ts;
	uint64_t now;

	clock_gettime(CLOCK_REALTIME, &ts);
	now = (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
	return now > known ? now : known + 1;
}

// ---- Create and destroy ------------------------------------------------------------------------

void redis_map_set_redis(struct redis_map *map, struct redis *redis)
{
	redis_map_down(map);
	map->redis = redis;
}

struct redis_map *redis_map_create(struct event_base *base, const struct redis_map_options *options,
	const struct redis_map_callbacks *callbacks, void *arg)
{
	struct redis_map *map = calloc(1, sizeof(*map));
	struct timeval period;

	if (map == NULL)
		return NULL;
	map->base = base;
	map->callbacks = *callbacks;
	map->arg = arg;
	map->options = *options;
	if (map->options.stream_max == 0)
		map->options.stream_max = 100000;
	if (map->options.poll_ms == 0)
		map->options.poll_ms = 200;
	if (map->options.resync_ms == 0)
		map->options.resync_ms = 300000;
	map->options.prefix = strdup(options->prefix);
	map->options.stream = strdup(options->stream);
	map->poll = event_new(base, -1, EV_PERSIST, on_poll, map);
	period = (struct timeval){map->options.poll_ms / 1000, map->options.poll_ms % 1000 * 1000};
	if (map->options.prefix == NULL || map->options.stream == NULL || map->poll == NULL ||
		event_add(map->poll, &period) != 0) {
		redis_map_destroy(map);
		errno = ENOMEM;
		return NULL;
	}
	return map;
}

void redis_map_destroy(struct redis_map *map)
{
	if (map == NULL)
		return;
	clear_queue(map);
	if (map->poll != NULL)
		event_free(map->poll);
	free((char *)map->options.prefix);
	free((char *)map->options.stream);
	free(map);
}

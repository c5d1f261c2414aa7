// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_REDIS_MAP_H
#define CONTROL_REDIS_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "parser/strv.h"

// A map that the nodes of a cluster share through Redis: key -> field -> value, the newest value
// wins. Redis holds one hash per key, with an expiry, and one stream of changes, trimmed. A value
// starts with its version (redis_map_version()), so the order in which nodes write does not matter,
// and writing twice does no harm: after a loss the owner's state is compared and merged, not
// replayed.
//
// The owner keeps the values; this only moves them. One thread: the event loop's.

struct event_base;
struct redis;
struct redis_map;

// Strings are copied. A 0 takes the default in brackets.
struct redis_map_options {
	const char *prefix; // of the hashes' keys; with `single`, the key
	const char *stream; // key; not one that starts with the prefix
	bool single; // one hash for all, which does not expire
	uint32_t stream_max; // [100000] changes kept
	uint32_t poll_ms; // [200] between two looks at the stream
	uint32_t resync_ms; // [300000] between two full loads
};

struct redis_map_callbacks {
	// A value that Redis holds. key: without the prefix, empty with `single`. loading: from a
	// full load, so Redis holds nothing newer than this.
	void (*on_value)(
		void *arg, struct strv key, struct strv field, struct strv value, bool loading);
	void (*on_load_begin)(void *arg); // values follow; what is not among them ...
	void (*on_loaded)(void *arg); // ... Redis does not have
	void (*on_room)(void *arg); // after -ENOBUFS or -ENOTCONN: try again. NULL allowed
	void (*on_error)(void *arg, const char *text); // Redis refused something. NULL allowed
};

// Returns NULL and errno ENOMEM. Does nothing until it is given a client.
struct redis_map *redis_map_create(struct event_base *base, const struct redis_map_options *options,
	const struct redis_map_callbacks *callbacks, void *arg);

// Any client that it was given must have been destroyed before: replies on their way name the map.
void redis_map_destroy(struct redis_map *map);

// Use this client, which may be NULL; tell redis_map_up() and redis_map_down() when it is.
void redis_map_set_redis(struct redis_map *map, struct redis *redis);
void redis_map_up(struct redis_map *map);
void redis_map_down(struct redis_map *map);

// Write a value unless Redis has a newer one, keep the key for at least ttl_ms (0: for ever), and
// tell the other nodes. Returns 0, or -ENOTCONN or -ENOBUFS: on_room() or on_loaded() follows.
int redis_map_put(struct redis_map *map, struct strv key, struct strv field, struct strv value,
	uint64_t ttl_ms);

// Connected, and everything was loaded once since.
bool redis_map_is_synced(const struct redis_map *map);

// Load everything again soon.
void redis_map_resync(struct redis_map *map);

#define REDIS_MAP_VERSION_LEN 16 // digits

// The version that a value starts with: microseconds since 1970. 0 for what is not a value.
uint64_t redis_map_version(struct strv value);
// A version for a new value: now, but newer than `known`, whatever the clocks say.
uint64_t redis_map_next_version(uint64_t known);

#endif

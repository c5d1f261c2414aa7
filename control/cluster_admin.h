// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_CLUSTER_ADMIN_H
#define CONTROL_CLUSTER_ADMIN_H

#include "control/control.h"
#include "parser/strv.h"

// What operators want of the backends, shared through Redis: one value a backend, the newest
// revision wins, a withdrawn wish is a value too. Kept until it is replaced; nodes that were away
// learn it when they are back.
//
// One thread: the event loop's.

struct event_base;
struct redis;
struct cluster_admin;

#define CLUSTER_ADMIN_VALUE_MAX 1200

struct cluster_admin_callbacks {
	// The cluster has a newer wish for a backend ("service/backend", maybe none of ours).
	void (*on_override)(void *arg, const char *path, const struct override *override);
	void (*on_error)(void *arg, const char *text);
};

struct cluster_admin *cluster_admin_create(struct event_base *base, const char *cluster,
	const struct cluster_admin_callbacks *callbacks, void *arg); // NULL and errno
// The client must be gone.
void cluster_admin_destroy(struct cluster_admin *admin);

// As registrations_store_set_redis().
void cluster_admin_set_redis(struct cluster_admin *admin, struct redis *redis);
void cluster_admin_redis_up(struct cluster_admin *admin);
void cluster_admin_redis_down(struct cluster_admin *admin);

// This node's operator decided, or the state file said so: override->revision counts; 0 is given a
// new one. Returns the revision, or 0 when memory ran out.
uint64_t cluster_admin_set(
	struct cluster_admin *admin, const char *path, const struct override *override);

// The newest wish known for a backend, withdrawn or not; NULL: there never was one.
const struct override *cluster_admin_get(const struct cluster_admin *admin, const char *path);

// A value as text: "<revision> <state> <configured> <when> <by> <reason>". Returns the length.
unsigned int cluster_admin_format(
	const struct override *override, char out[CLUSTER_ADMIN_VALUE_MAX]);
// Returns 0 or -EBADMSG.
int cluster_admin_parse(struct strv text, struct override *override);

#endif

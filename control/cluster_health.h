// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_CLUSTER_HEALTH_H
#define CONTROL_CLUSTER_HEALTH_H

#include <stdint.h>

#include "control/control.h"

// What each node sees of the backends, shared through Redis: every node publishes all of its own
// view at every change and again and again, and reads that of another whenever the other's lease
// names a new revision. So a change that was missed is not missed for long.
//
// One thread: the event loop's.

struct event_base;
struct redis;
struct cluster_health;

#define CLUSTER_PATH_MAX (2 * CONFIG_NAME_MAX + 2) // "service/backend"

struct cluster_health_options {
	const char *cluster, *node;
	uint32_t lease_ms;
	uint32_t publish_ms; // at least so much between two publications
};

struct cluster_health_callbacks {
	void (*on_revision)(void *arg, uint64_t revision); // published: to be named in the lease
	void (*on_views)(void *arg); // the view of another node was read
	void (*on_error)(void *arg, const char *text);
};

struct cluster_health *cluster_health_create(struct event_base *base,
	const struct cluster_health_options *options,
	const struct cluster_health_callbacks *callbacks, void *arg); // NULL and errno
// The client must be gone.
void cluster_health_destroy(struct cluster_health *health);

void cluster_health_set_times(
	struct cluster_health *health, uint32_t lease_ms, uint32_t publish_ms);

// As registrations_store_set_redis().
void cluster_health_set_redis(struct cluster_health *health, struct redis *redis);
void cluster_health_redis_up(struct cluster_health *health);
void cluster_health_redis_down(struct cluster_health *health);

// This node's view of a backend; UNKNOWN takes it away. Returns 0 or -ENOMEM.
int cluster_health_set(struct cluster_health *health, const char *path, enum health_state state);

// A lease was read: fetch the node's view if its revision is new.
void cluster_health_seen(struct cluster_health *health, const char *node, uint64_t revision);
// A node is gone.
void cluster_health_forget(struct cluster_health *health, const char *node);

// What a node, this one included, says about a backend.
enum health_state cluster_health_get(
	const struct cluster_health *health, const char *node, const char *path);

#endif

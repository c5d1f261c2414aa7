// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_CLUSTER_H
#define CONTROL_CLUSTER_H

#include "control/cluster_nodes.h"
#include "control/control.h"
#include "control/redis.h"

// This node as one of many: the connection to Redis, the list of nodes, the health that they agree
// on and what operators said anywhere. Without a `redis` section it is a cluster of one, and the
// same functions do what is left. Every function tolerates cluster == NULL.

struct cluster;

struct cluster *cluster_create(struct control *control); // NULL and errno
void cluster_destroy(struct cluster *cluster);
// Another configuration runs: connect elsewhere if it says so.
void cluster_reload(struct cluster *cluster);

// Whether this node's turn is to probe the backend. With `owner: one`, a few nodes share each
// backend out; a node that cannot see the others probes everything.
bool cluster_probes(const struct cluster *cluster, const struct backend *backend);

// backend->health.own is another one.
void cluster_health_changed(struct cluster *cluster, const struct backend *backend);
// backend->override is another one: gives it a revision and tells the other nodes.
void cluster_override_changed(struct cluster *cluster, struct backend *backend);
// Forget the backend; the object may be freed after this.
void cluster_backend_removed(struct cluster *cluster, const struct backend *backend);
// A snapshot is published: its tables are what this node has.
void cluster_tables_changed(struct cluster *cluster);

enum cluster_redis_state {
	CLUSTER_REDIS_NONE, // no `redis` section
	CLUSTER_REDIS_CONNECTING, // never was connected
	CLUSTER_REDIS_CONNECTED,
	CLUSTER_REDIS_STALE // was connected: the last known state stays
};

const char *cluster_redis_state_name(enum cluster_redis_state state); // "connected"

struct cluster_redis_status {
	enum cluster_redis_state state;
	int64_t since_ms; // CLOCK_REALTIME of the last change of `state`; 0: none
	double stale_s; // since the connection was lost, or since the start; 0: connected
	const char *server; // in use or last tried; "" if none
	const char *error; // of the last failure; "" if none
	uint32_t pending; // commands without a reply
	const struct redis_stats *stats; // since the start; never NULL
};

void cluster_redis_status(const struct cluster *cluster, struct cluster_redis_status *status);

// The nodes, this one first: i from 0 to cluster_nb_nodes() - 1.
uint32_t cluster_nb_nodes(const struct cluster *cluster);
const struct cluster_node *cluster_node(const struct cluster *cluster, uint32_t i);
// Nodes that are alive disagree with this one about the table of a service, and have for a while.
bool cluster_table_mismatch(const struct cluster *cluster, const char *service);

// What a node that is alive says about a backend; HEALTH_UNKNOWN if nothing. For display.
enum health_state cluster_health_of(
	const struct cluster *cluster, const char *node, const struct backend *backend);

#endif

// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_CLUSTER_NODES_H
#define CONTROL_CLUSTER_NODES_H

#include <stdbool.h>
#include <stdint.h>

// Who is there: every node holds a lease in Redis, renews it, and reads those of the others. The
// lease says what the node runs with, so that a node with another table is noticed.
//
// One thread: the event loop's.

struct event_base;
struct redis;
struct cluster_nodes;

#define CLUSTER_NODES_MAX 256
#define CLUSTER_TABLES_MAX 64

enum cluster_node_state {
	CLUSTER_NODE_ALIVE,
	CLUSTER_NODE_GONE, // its lease has run out
	CLUSTER_NODE_UNKNOWN, // Redis cannot tell
	CLUSTER_NODE_STATES
};

const char *cluster_node_state_name(enum cluster_node_state state); // "alive"

struct cluster_table {
	char service[64];
	uint64_t hash;
};

struct cluster_node {
	char name[64];
	bool self;
	bool agrees; // with this one: cluster digest and every table that both have
	enum cluster_node_state state;
	int64_t seen_ms; // CLOCK_MONOTONIC when its lease was last seen
	char version[32];
	char instance[20]; // of the process
	uint64_t config_digest; // of what all nodes must agree on
	uint64_t generation;
	uint64_t health_revision; // of what it publishes
	uint32_t nb_tables;
	struct cluster_table tables[CLUSTER_TABLES_MAX];
};

struct cluster_nodes_options {
	const char *cluster, *node, *version;
	uint32_t lease_ms;
	uint32_t poll_ms; // between two looks at the others
};

struct cluster_nodes_callbacks {
	void (*on_changed)(void *arg); // a node came or went
	void (*on_seen)(void *arg, const struct cluster_node *node); // another one's lease was read
	// Disagreement about the table of a service began or ended.
	void (*on_mismatch)(void *arg, const char *service, bool mismatch);
	void (*on_error)(void *arg, const char *text);
};

struct cluster_nodes *cluster_nodes_create(struct event_base *base,
	const struct cluster_nodes_options *options,
	const struct cluster_nodes_callbacks *callbacks, void *arg); // NULL and errno
// The client must be gone.
void cluster_nodes_destroy(struct cluster_nodes *nodes);

// A shorter or longer lease from now on.
void cluster_nodes_set_times(struct cluster_nodes *nodes, uint32_t lease_ms, uint32_t poll_ms);

// As registrations_store_set_redis().
void cluster_nodes_set_redis(struct cluster_nodes *nodes, struct redis *redis);
void cluster_nodes_redis_up(struct cluster_nodes *nodes);
void cluster_nodes_redis_down(struct cluster_nodes *nodes);

// What this node says about itself from now on.
void cluster_nodes_set_config(
	struct cluster_nodes *nodes, uint64_t config_digest, uint64_t generation);
void cluster_nodes_set_tables(
	struct cluster_nodes *nodes, const struct cluster_table *tables, uint32_t nb_tables);
void cluster_nodes_set_health_revision(struct cluster_nodes *nodes, uint64_t revision);

// This node is number 0; the others follow by name.
uint32_t cluster_nodes_nb(const struct cluster_nodes *nodes);
const struct cluster_node *cluster_nodes_at(const struct cluster_nodes *nodes, uint32_t i);
bool cluster_nodes_mismatch(const struct cluster_nodes *nodes, const char *service);

#endif

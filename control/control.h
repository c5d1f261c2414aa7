// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "dataplane/dispatch/addr.h"
#include "dataplane/dispatch/snapshot.h"
#include "dataplane/ipc.h"

// The control process: what is configured, what the operator wants, what the probes see, and the
// links to the dataplane, Redis, the kernel and the operator.
//
// One thread, one libevent loop: nothing here is locked. A struct service or struct backend lives
// as long as its name stands in the running configuration; a reload keeps the object (and with it
// health, statistics and counter slot) of every name that stays. Whoever keeps a pointer to one
// beyond a callback must let go of it when told that it is removed (health_backend_removed(),
// cluster_backend_removed()).

struct event_base;
struct cluster; // control/cluster.h
struct registrations; // control/registrations.h
struct metrics; // control/metrics.h
struct ipc_client; // control/ipc_client.h
struct health; // control/health.h
struct netlink; // control/netlink.h
struct admin; // control/admin.h
struct events; // control/events.h
struct resolve; // control/resolve.h
struct retired; // control/retired.h
struct slots; // control/slots.h
struct state_file; // control/state_file.h
struct publisher; // control/publisher.h

// Health as one node sees it, or as the cluster agrees on.
enum health_state {
	HEALTH_UNKNOWN, // no probe has ended yet: not used, unless all of the service are unknown
	HEALTH_DOWN, // not used
	HEALTH_RISING, // still down, but the last probes were good
	HEALTH_UP, // used
	HEALTH_FALLING, // still used, but the last probes were bad
	HEALTH_STATES
};

const char *health_state_name(enum health_state state); // "unknown"; stable, for metrics and JSON
const char *admin_state_name(enum config_admin_state state); // "ready", "drain", "maint"
// Returns 0 or -EINVAL.
int admin_state_parse(const char *text, enum config_admin_state *state);

static inline bool health_is_usable(enum health_state state)
{
	return state == HEALTH_UP || state == HEALTH_FALLING;
}

// What the cluster's quorum says about a backend; NONE: no quorum, the node's own view counts.
enum cluster_verdict {
	VERDICT_NONE,
	VERDICT_UP,
	VERDICT_DOWN
};

enum probe_result {
	PROBE_NONE, // none has ended yet
	PROBE_GOOD, // an accepted status
	PROBE_BAD_STATUS, // answered, but not with an accepted status
	PROBE_TIMEOUT,
	PROBE_UNREACHABLE, // ICMP said so
	PROBE_NOT_SENT, // the injection ring was full, or no dataplane: not counted as bad
	PROBE_RESULTS
};

const char *probe_result_name(enum probe_result result); // "good", "bad-status", "timeout", ...

#define PROBE_RTT_SLOTS 12 // up to 250 us, 500 us, 1 ms .. 256 ms, more
extern const double probe_rtt_bounds[PROBE_RTT_SLOTS - 1]; // seconds

struct backend_health {
	enum health_state own; // what this node's probes say
	enum cluster_verdict verdict; // what the cluster says
	enum health_state state; // effective: what counts. Changed by health.c only
	int64_t since_ms; // CLOCK_REALTIME of the last change of `state`
	uint32_t streak; // good probes in a row while RISING, bad ones while FALLING
	uint64_t nb_changes; // between usable and not
	enum probe_result last_result;
	uint16_t last_status; // SIP status of the last answer, 0: none
	uint32_t last_rtt_us; // of the last answer
	uint64_t results[PROBE_RESULTS]; // probes ended, by result
	uint64_t rtt_slots[PROBE_RTT_SLOTS]; // answers, by time to them
	double rtt_sum; // seconds, over all answers
};

// An operator's wish that differs from the YAML or stands beside it. It survives reloads until the
// configured value of the same field changes.
struct override {
	bool set;
	enum config_admin_state state;
	enum config_admin_state configured; // in the YAML when the override was set
	char by[64];
	char reason[256]; // may be empty
	int64_t when_ms; // CLOCK_REALTIME
	uint64_t revision; // of the cluster; the higher one wins
};

struct backend {
	struct service *service;
	const struct config_backend *config; // in control.config; changes at every reload
	char name[CONFIG_NAME_MAX + 1];
	struct endpoint addr;
	uint32_t id; // backend_id(): travels in tokens
	uint16_t counter; // slot of its counters in the shared memory
	uint16_t index; // in the published snapshot; SNAPSHOT_NONE before
	uint16_t next_index; // in the one on its way; publisher.c only
	uint16_t weight; // effective, slow start included
	double share; // of the published table's rows, as first candidate
	enum config_admin_state admin; // effective: override, or as configured
	struct override override;
	struct backend_health health;
	bool fresh, pinned; // bits as last sent to the dataplane
	struct probe *probe; // of health.c
	int64_t slow_start_ms; // CLOCK_MONOTONIC when the ramp began; 0: none
			       // (control/slow_start.h)
	bool is_late; // came by a reload and was not usable yet
};

struct service {
	const struct config_service *config; // in control.config; changes at every reload
	char name[CONFIG_NAME_MAX + 1];
	uint16_t counter;
	uint16_t index; // in the published snapshot; SNAPSHOT_NONE before
	uint16_t next_index; // in the one on its way; publisher.c only
	struct backend **backends; // in the order of the file
	uint32_t nb_backends;
	struct retired *retired; // left the file, still hold dialogs (control/retired.h)
	uint32_t nb_retired;
	uint64_t table_hash; // of the published table; 0: none yet
	double moved, moved_ideal; // share of new calls that the last snapshot sent elsewhere, 0..1
};

enum dataplane_link {
	LINK_DOWN, // no connection: what runs there runs on
	LINK_CONNECTED, // HELLO seen, no shared memory yet (starting)
	LINK_RUNNING // shared memory mapped, snapshots can be published
};

const char *dataplane_link_name(enum dataplane_link link); // "down", "starting", "running"

// What is known about the dataplane process.
struct dataplane {
	enum dataplane_link link;
	int64_t since_ms; // CLOCK_REALTIME of the last change of `link`
	uint32_t pid;
	bool start_matches; // it was started with what our file says
	char failed[320]; // why it could not start; empty: it did, or is not asked yet
	struct ipc_shm *shm; // NULL until started; stays mapped while the link is down
	size_t shm_size;
	uint32_t nb_workers, nb_ports; // checked against shm_size; trust these, not shm->nb_*
	struct ipc_port_info ports[IPC_PORTS_MAX];
	uint64_t generation; // published; 0: none
	const struct snapshot *snapshot; // what is published, mapped; NULL: none
};

struct last_reload {
	bool success;
	int64_t when_ms; // CLOCK_REALTIME, of the last attempt
	int64_t success_ms; // ... of the last accepted one
	char error[512]; // of a refused one: the first error
	uint64_t nb_success, nb_failure;
};

struct control {
	struct event_base *base;
	const char *config_path;
	char *config_text; // the file that runs; NULL when it could not be kept
	struct config *config; // running
	struct config
		*boot; // as at the start: what counts for every restart-only key (node, dataplane,
		       // admin, metrics.listen, log.target). May be equal to `config`
	uint64_t started_ms; // CLOCK_REALTIME
	struct service **services; // in the order of the file
	uint32_t nb_services;
	struct dataplane dataplane;
	struct last_reload last_reload;
	bool said_ready; // to the service manager
	bool ends_with_dataplane; // there is nobody to restart a dataplane that cannot start
	int exit_status; // of this process
	uint64_t nb_needs_restart; // keys that differ from what runs and need a restart

	struct slots *service_slots,
		*backend_slots; // of counters, by "service" and "service/backend"

	struct ipc_client *ipc;
	struct publisher *publisher;
	struct builder *builder; // for dry runs
	struct health *health;
	struct netlink *netlink; // NULL: no twins
	struct events *events;
	struct resolve *resolve; // NULL: could not be had
	struct state_file *state_file;
	struct admin *admin;
	struct cluster *cluster; // NULL: could not be had
	struct registrations *registrations; // NULL: none are learned
	struct metrics *metrics; // NULL: no listener
};

// Run with `config` from now on, whose owner the control becomes. Services and backends that stay
// keep their objects; overrides whose configured value changed are dropped with a log line.
// Publishes nothing. Return 0 or -ENOMEM, and then nothing was changed.
int control_apply_config(struct control *control, struct config *config);
// Take over the counter slots of the snapshot that a running dataplane has.
void control_adopt_slots(struct control *control, const struct snapshot *snapshot);
// Start with {0} and the paths; then control_apply_config(). Return 0 or -ENOMEM.
int control_init(struct control *control);
// Free services, backends and configurations.
void control_fini(struct control *control);

int64_t control_now_ms(void); // CLOCK_MONOTONIC
int64_t control_wall_ms(void); // CLOCK_REALTIME

// All may return NULL.
struct service *control_find_service(const struct control *control, const char *name);
struct backend *service_find_backend(const struct service *service, const char *name);
// "service/backend"
struct backend *control_find_backend(const struct control *control, const char *path);
struct backend *control_find_backend_id(const struct control *control, uint32_t id);

// ---- Counters: sums over all workers; zeros while no dataplane was seen -------------------------

const struct ipc_worker_counters *control_worker_counters(
	const struct control *control, uint32_t worker); // NULL when there is no such worker
const struct ipc_port_counters *control_port_counters(
	const struct control *control, uint32_t port); // likewise
void control_service_counters(const struct control *control, const struct service *service,
	struct ipc_service_counters *sum);
void control_backend_counters(const struct control *control, const struct backend *backend,
	struct ipc_backend_counters *sum);
// Share of the published table's rows that have the backend as first candidate, 0..1.
double control_backend_share(const struct control *control, const struct backend *backend);

// ---- State changes, from whatever side they come ------------------------------------------------

// Operator override from the admin socket (publish: true) or from the cluster (publish: false).
// override->set false takes it away. Logs, sends the bits, saves the state file, and with `publish`
// calls cluster_override_changed().
void control_backend_override(struct control *control, struct backend *backend,
	const struct override *override, bool publish);

// The cluster's word on a backend; calls health_update() when it changes something.
void control_backend_verdict(
	struct control *control, struct backend *backend, enum cluster_verdict verdict);

#endif

// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// The configuration file as plain structs: every default filled in, every unit converted, every
// cross reference checked. What each key means, its range and its default: docs/configuration.md.
//
// A struct config never changes after config_load(); any thread may read it. Every pointer in it is
// owned by it and lives until config_destroy(). Arrays come with a count named nb_<array> and are
// NULL when empty. Strings are never empty; NULL means "not configured" and only where the comment
// says so. Durations are milliseconds, sizes octets, rates events per second, ports in host byte
// order.

#define CONFIG_NAME_MAX 63 // octets of a node, cluster, service, backend or port name
#define CONFIG_KEYS_MAX 2 // cluster keys that are valid at the same time
#define CONFIG_KEY_SIZE 16 // octets of a cluster key
#define CONFIG_SERVICES_MAX 64
#define CONFIG_LISTENERS_MAX 256 // of all services
#define CONFIG_BACKENDS_MAX 4096 // of all services
#define CONFIG_PORTS_MAX 16

// An IP address. Also what a struct endpoint of dataplane/dispatch is made from.
struct config_addr {
	uint8_t family; // 4 or 6
	uint8_t ip[16]; // network order; IPv4 in the first 4 octets, the rest 0
};

// A prefix. Bits of the address after the length are 0, except in config_port.addresses, where the
// address is the interface's own.
struct config_prefix {
	struct config_addr addr;
	uint8_t length; // 0..32 or 0..128
};

// Where a stream socket listens or connects: host and port, or the path of a UNIX socket.
struct config_socket {
	const char *host; // a name or an address without brackets; NULL for a UNIX socket
	uint16_t port;
	const char *path; // NULL unless a UNIX socket
};

struct config_node {
	const char *name;
	const char *cluster; // prefix of the Redis keys and seed scope of the tables
};

enum config_auto {
	CONFIG_AUTO,
	CONFIG_ON,
	CONFIG_OFF
};

enum config_idle {
	CONFIG_IDLE_POLL, // never sleeps
	CONFIG_IDLE_PAUSE // yields the core after empty polls
};

enum config_exception_path {
	CONFIG_EXCEPTION_TAP, // what is not ours goes to the port's twin in the kernel
	CONFIG_EXCEPTION_NONE // and is dropped
};

struct config_reassembly {
	uint64_t timeout_ms; // of an incomplete datagram
	uint32_t flows; // datagrams in reassembly, per worker
	uint32_t max_fragments; // of one datagram, 2..8
	uint32_t per_source; // datagrams in reassembly from one address, at most `flows`
};

// What a packet is that comes in on a port with a backend's address as its source.
enum config_port_backends {
	CONFIG_BACKENDS_AUTO, // from it, if a route to it or the port's own network has it there
	CONFIG_BACKENDS_ALLOWED, // from it
	CONFIG_BACKENDS_NEVER // forged
};

struct config_port {
	const char *name;
	const char *device; // a PCI address or a vdev string, for EAL
	uint16_t mtu;
	struct config_prefix *addresses;
	uint32_t nb_addresses;
	struct config_addr *gateway; // at most one per family
	uint32_t nb_gateway;
	const char *twin; // name of the kernel interface, at most 15 octets; "sx-<name>" by default
	enum config_port_backends backends;
};

struct config_dataplane {
	uint16_t *workers; // CPU numbers, ascending, each once; at least one
	uint32_t nb_workers;
	uint16_t *control_cpus; // none: wherever the kernel likes
	uint32_t nb_control_cpus;
	uint64_t memory_bytes;
	const char *file_prefix; // of EAL
	enum config_auto hugepages;
	enum config_idle idle;
	const char *socket; // where control meets the dataplane
	enum config_exception_path exception_path;
	struct config_reassembly reassembly;
	struct config_port *ports; // at least one
	uint32_t nb_ports;
};

enum config_health_method {
	CONFIG_HEALTH_OPTIONS,
	CONFIG_HEALTH_NONE
};

enum config_health_owner {
	CONFIG_OWNER_ANY, // every node probes every backend
	CONFIG_OWNER_ONE // the nodes of the cluster share the backends out
};

// Status codes first..last, both included.
struct config_status_range {
	uint16_t first;
	uint16_t last;
};

// A backend's effective health check: its own keys, then the service's, then defaults.health_check.
struct config_health_check {
	enum config_health_method method;
	uint64_t interval_ms;
	uint64_t timeout_ms; // at most interval_ms
	uint32_t rise; // good probes in a row until up
	uint32_t fall; // bad probes in a row until down
	struct config_status_range *expect; // ascending, disjoint; what counts as good
	uint32_t nb_expect;
	const char *from; // URI of the From header field
	uint8_t jitter_percent; // of the interval
	enum config_health_owner owner;
};

// The state an operator wants; health is another matter (design: two axes).
enum config_admin_state {
	CONFIG_STATE_READY,
	CONFIG_STATE_DRAIN, // no new calls, what is there goes on
	CONFIG_STATE_MAINT // nothing at all
};

struct config_backend {
	const char *name; // unique in its service
	struct config_addr address; // address and port are unique in the service
	uint16_t port;
	uint16_t weight; // 1..256
	const char *zone; // NULL if none
	enum config_admin_state state;
	struct config_health_check health_check;
};

enum config_transport {
	CONFIG_TRANSPORT_UDP
};

// Who may send to a listener. The longest matching prefix of both lists decides. An address that no
// prefix matches is refused if there is an allow list and accepted if there is none.
// No prefix is in both lists. Backends of the service are always accepted; that is the reader's
// job.
struct config_acl {
	struct config_prefix *allow;
	uint32_t nb_allow;
	struct config_prefix *deny;
	uint32_t nb_deny;
};

struct config_listener {
	struct config_addr address; // address, port and transport are unique in the file
	uint16_t port;
	enum config_transport transport;
	struct config_acl acl;
};

enum config_forwarding {
	CONFIG_FORWARDING_PROXY
};

enum config_affinity {
	CONFIG_AFFINITY_CALL_ID, // the hash alone decides
	CONFIG_AFFINITY_REGISTRATION // a request to a registered AoR goes to the backend that holds
				     // it
};

enum config_hash_key {
	CONFIG_HASH_CALL_ID,
	CONFIG_HASH_FROM_AOR,
	CONFIG_HASH_TO_AOR,
	CONFIG_HASH_SOURCE_IP
};

struct config_hash {
	enum config_hash_key key;
	enum config_hash_key register_key; // the same for REGISTER
};

enum config_all_down {
	CONFIG_ALL_DOWN_SPREAD, // as if all were up
	CONFIG_ALL_DOWN_REPLY_503,
	CONFIG_ALL_DOWN_DROP
};

enum config_unparsable {
	CONFIG_UNPARSABLE_REPLY,
	CONFIG_UNPARSABLE_DROP
};

struct config_limits {
	uint32_t source_rate; // messages/s from one address; 0: no limit
	uint32_t reply_rate; // our own answers/s to one address; 0: no limit
	enum config_unparsable unparsable; // 400 where an answer is possible, or silence
	uint32_t max_message_bytes; // of a datagram
	uint32_t max_headers; // header fields of a message
	uint32_t max_header_bytes; // of the header section
};

struct config_service {
	const char *name; // unique
	struct config_listener *listen; // at least one, and one for each family of the backends
	uint32_t nb_listen;
	enum config_forwarding forwarding;
	bool record_route;
	bool path;
	enum config_affinity affinity;
	struct config_hash hash;
	struct config_backend *backends; // at least one, in the order of the file
	uint32_t nb_backends;
	uint64_t slow_start_ms; // 0: off
	uint8_t panic_threshold_percent; // below this share of usable weight health is ignored; 0:
					 // never
	enum config_all_down when_all_down;
	struct config_limits limits;
};

struct config_key {
	char id; // 'a'..'z'
	const char *file;
	uint8_t secret[CONFIG_KEY_SIZE]; // as read from the file when the configuration was loaded
};

// The keys that sign tokens and seed the tables: the same on every node of a cluster.
struct config_cluster_keys {
	char primary; // id of the key that signs; one of keys[]
	struct config_key *keys; // every key that verifies, primary included
	uint32_t nb_keys; // 1..CONFIG_KEYS_MAX; 0 when the section is absent
	const char *table_file; // NULL: the first of keys[] seeds the tables
	uint8_t table_secret[CONFIG_KEY_SIZE]; // as read; only if there is a table_file
};

struct config_sentinel {
	const char *master_name; // NULL: no Sentinel
	struct config_socket *endpoints;
	uint32_t nb_endpoints;
};

struct config_redis {
	bool enabled; // there is a `redis` section; nothing else below counts if not
	struct config_socket address; // host and path both NULL when Sentinel names the master
	struct config_sentinel sentinel;
	const char *username; // NULL: the default user
	const char *password_file; // NULL: no AUTH
	const char *password; // its first line, as read at load; NULL: no AUTH
	uint32_t database;
	uint64_t connect_timeout_ms;
	uint64_t command_timeout_ms;
	uint64_t keepalive_ms; // PING when silent for so long
	uint64_t lease_ms; // a node that is silent for so long is gone
	uint64_t publish_interval_ms; // between two writes of the health that this node sees
};

struct config_registrations {
	uint32_t max; // bindings held; 0: registrations are not learned
};

struct config_metrics {
	struct config_socket *listen; // none: no metrics server
	uint32_t nb_listen;
};

struct config_admin {
	const char *socket;
	const char *state_file; // operator overrides across a restart
	uint64_t state_max_age_ms; // older overrides are not taken over
};

enum config_log_level {
	CONFIG_LOG_ERR,
	CONFIG_LOG_WARNING,
	CONFIG_LOG_NOTICE,
	CONFIG_LOG_INFO,
	CONFIG_LOG_DEBUG
};

enum config_log_target {
	CONFIG_LOG_STDERR,
	CONFIG_LOG_JOURNAL,
	CONFIG_LOG_SYSLOG
};

enum config_log_format {
	CONFIG_LOG_LOGFMT,
	CONFIG_LOG_JSON
};

struct config_log {
	enum config_log_level level;
	enum config_log_target target;
	enum config_log_format format;
};

// Private to config/.
struct config_restart_key;
struct config_mapping;

struct config {
	uint32_t schema;
	struct config_node node;
	struct config_dataplane dataplane;
	struct config_service *services; // at least one, in the order of the file
	uint32_t nb_services;
	bool has_keys; // false: there is no cluster_keys section, the reader makes up a key
	struct config_cluster_keys cluster_keys;
	struct config_redis redis;
	struct config_registrations registrations;
	struct config_metrics metrics;
	struct config_admin admin;
	struct config_log log;

	// xxh64 of the configuration with its defaults, in a fixed order: comments, layout, the
	// order of keys and the way a unit is written do not change it. Neither do the contents of
	// secret files.
	uint64_t digest;
	// The same over what all nodes of a cluster must agree on: services with their health
	// checks, cluster keys (ids and contents), node.cluster and registrations.
	uint64_t cluster_digest;

	// Private to config/.
	struct config_restart_key *restart_keys;
	uint32_t nb_restart_keys;
	struct config_mapping *mapping;
};

// One thing that is wrong in a file.
struct config_error {
	char *file; // name as given to config_load()
	uint32_t line, column; // from 1; both 0 when the whole file is meant
	char *path; // of the key, "services[access].backends[2].name"; "" when the whole file is
		    // meant
	char *message; // what was found, what is allowed
};

#define CONFIG_ERRORS_MAX 200 // errors kept; more are only counted

// Start with {0}, and anew for each load. In the order of the file.
struct config_errors {
	struct config_error *items;
	uint32_t nb_items;
	uint32_t nb_dropped; // errors beyond CONFIG_ERRORS_MAX
};

// Read and check a file. All errors of the file are found at once.
//
// Reads the files that the configuration names (keys, passwords) as well. Any thread; never logs.
// Returns NULL and errno: EINVAL with at least one item in *errs, or ENOMEM.
struct config *config_load(const char *path, struct config_errors *errs);

// The same for text in memory. `name` is what error messages call it.
struct config *config_parse(
	const char *name, const char *text, size_t len, struct config_errors *errs);

void config_destroy(struct config *config);

// Print one error a line: "file:line:column: path: message".
void config_errors_print(FILE *out, const struct config_errors *errs);

// Format one error as config_errors_print() does, without the line end; the result is like
// snprintf's.
int config_error_format(const struct config_error *error, char *buf, size_t size);

void config_errors_fini(struct config_errors *errs);

// Call fn for each key that differs between two configurations and needs a restart to change, in
// the order of the schema. `from` and `to` are as written in the files, or the default, or
// "(absent)". fn may be NULL. Returns how many there are. What to keep running with is the caller's
// business: the dataplane section and all else that this names must not be taken from `to`.
typedef void config_diff_fn(const char *path, const char *from, const char *to, void *arg);
uint32_t config_diff_restart_keys(
	const struct config *from, const struct config *to, config_diff_fn *fn, void *arg);

#endif

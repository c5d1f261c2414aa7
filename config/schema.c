// SPDX-License-Identifier: BSD-3-Clause
#include "config/schema.h"

#include "config/config.h"

#include <stddef.h>

#define MS UINT64_C(1)
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

#define SUN_PATH_MAX 107 // sun_path without its NUL
#define FILE_PATH_MAX 4095

#define SIZE_OF(struct_, member_) sizeof(((struct struct_ *)0)->member_)

// A scalar: key, kind, struct and member, range, default, flags, meaning.
#define KEY(name_, kind_, struct_, member_, min_, max_, fallback_, flags_, help_)            \
	{                                                                                    \
		.name = name_, .flags = flags_, .offset = offsetof(struct struct_, member_), \
		.fallback = fallback_, .help = help_,                                        \
		.type = {.kind = SCHEMA_##kind_,                                             \
			.size = SIZE_OF(struct_, member_),                                   \
			.min = min_,                                                         \
			.max = max_},                                                        \
	}

// A scalar with a list of allowed words.
#define WORD(name_, values_, struct_, member_, fallback_, flags_, help_)                     \
	{                                                                                    \
		.name = name_, .flags = flags_, .offset = offsetof(struct struct_, member_), \
		.fallback = fallback_, .help = help_,                                        \
		.type = {.kind = SCHEMA_ENUM,                                                \
			.size = SIZE_OF(struct_, member_),                                   \
			.values = values_},                                                  \
	}

// A scalar that becomes an array.
#define LIST(name_, kind_, struct_, member_, fallback_, flags_, help_)                             \
	{                                                                                          \
		.name = name_, .flags = flags_, .offset = offsetof(struct struct_, member_),       \
		.count_offset = offsetof(struct struct_, nb_##member_), .fallback = fallback_,     \
		.help = help_,                                                                     \
		.type = {.kind = SCHEMA_##kind_, .size = sizeof(*((struct struct_ *)0)->member_)}, \
	}

#define SEQUENCE(name_, item_, struct_, member_, min_, max_, flags_, help_)                  \
	{                                                                                    \
		.name = name_, .flags = flags_, .offset = offsetof(struct struct_, member_), \
		.count_offset = offsetof(struct struct_, nb_##member_), .help = help_,       \
		.type = {.kind = SCHEMA_SEQUENCE,                                            \
			.size = sizeof(*((struct struct_ *)0)->member_),                     \
			.min = min_,                                                         \
			.max = max_,                                                         \
			.item = item_},                                                      \
	}

#define MAPPING(name_, keys_, struct_, member_, flags_, help_)                                     \
	{                                                                                          \
		.name = name_, .flags = flags_, .offset = offsetof(struct struct_, member_),       \
		.help = help_,                                                                     \
		.type = {                                                                          \
			.kind = SCHEMA_MAPPING, .size = SIZE_OF(struct_, member_), .keys = keys_}, \
	}

// A mapping that is checked but has no member of its own.
#define TEMPLATE(name_, keys_, flags_, help_)                                      \
	{                                                                          \
		.name = name_, .flags = SCHEMA_UNMAPPED | (flags_), .help = help_, \
		.type = {.kind = SCHEMA_MAPPING, .keys = keys_},                   \
	}

#define RESERVED(name_, help_)                                          \
	{                                                               \
		.name = name_, .flags = SCHEMA_UNMAPPED, .help = help_, \
		.type = {.kind = SCHEMA_RESERVED},                      \
	}

static const struct schema_type addr_item = {
	.kind = SCHEMA_ADDR, .size = sizeof(struct config_addr)};
static const struct schema_type prefix_item = {
	.kind = SCHEMA_PREFIX, .size = sizeof(struct config_prefix)};
static const struct schema_type ifaddr_item = {
	.kind = SCHEMA_IFADDR, .size = sizeof(struct config_prefix)};
static const struct schema_type socket_item = {
	.kind = SCHEMA_SOCKET, .size = sizeof(struct config_socket)};
static const struct schema_type listen_item = {
	.kind = SCHEMA_LISTEN, .size = sizeof(struct config_socket)};

static const struct schema_key node_keys[] = {
	KEY("name", NAME, config_node, name, 1, CONFIG_NAME_MAX, NULL, SCHEMA_REQUIRED,
		"Name of this node, unique in the cluster."),
	KEY("cluster", NAME, config_node, cluster, 1, CONFIG_NAME_MAX, "default", SCHEMA_CLUSTER,
		"Name of the cluster: prefix of the Redis keys and seed scope of the tables."),
	{0},
};

static const struct schema_key reassembly_keys[] = {
	KEY("timeout", DURATION, config_reassembly, timeout_ms, 100 * MS, 30 * SECOND, "2s", 0,
		"An incomplete datagram is given up after this."),
	KEY("flows", UINT, config_reassembly, flows, 64, 1 << 20, "16384", 0,
		"Datagrams in reassembly at a time, per worker; when all are taken, the "
		"oldest makes room."),
	KEY("max_fragments", UINT, config_reassembly, max_fragments, 2, 8, "8", 0,
		"Fragments of one datagram; DPDK is built for at most 8."),
	KEY("per_source", UINT, config_reassembly, per_source, 1, 1 << 20, "64", 0,
		"Datagrams in reassembly from one address; at most `flows`. More are dropped."),
	{0},
};

static const struct schema_value port_backends_values[] = {
	{"auto", CONFIG_BACKENDS_AUTO},
	{"allowed", CONFIG_BACKENDS_ALLOWED},
	{"never", CONFIG_BACKENDS_NEVER},
	{0},
};

static const struct schema_key port_keys[] = {
	KEY("name", NAME, config_port, name, 1, CONFIG_NAME_MAX, NULL, SCHEMA_REQUIRED,
		"Name of the port in commands and metrics."),
	KEY("device", STRING, config_port, device, 1, 255, NULL, SCHEMA_REQUIRED,
		"PCI address (`0000:3b:00.0`) or vdev string (`net_af_xdp0,iface=eth1`)."),
	KEY("mtu", UINT, config_port, mtu, 576, 9600, "1500", 0,
		"Largest IP packet; at least 1280 with an IPv6 address."),
	SEQUENCE("addresses", &ifaddr_item, config_port, addresses, 0, 16, 0,
		"The port's own addresses, each with the length of its network."),
	SEQUENCE("gateway", &addr_item, config_port, gateway, 0, 2, 0,
		"Default gateways, at most one for each address family, in a network of the port."),
	KEY("twin", IFNAME, config_port, twin, 1, 15, NULL, 0,
		"Name of the port's twin in the kernel; `sx-<name>` when absent."),
	WORD("backends", port_backends_values, config_port, backends, "auto", SCHEMA_RELOAD,
		"May packets from backends come in here? `never`: what says so is a forgery and "
		"dropped; `allowed`: from each of them; `auto`: from those that a route or the "
		"port's own network has here."),
	{0},
};

static const struct schema_type port_item = {
	.kind = SCHEMA_MAPPING, .size = sizeof(struct config_port), .keys = port_keys};

static const struct schema_value hugepages_values[] = {
	{"auto", CONFIG_AUTO}, {"on", CONFIG_ON}, {"off", CONFIG_OFF}, {0}};
static const struct schema_value idle_values[] = {
	{"poll", CONFIG_IDLE_POLL}, {"pause", CONFIG_IDLE_PAUSE}, {0}};
static const struct schema_value exception_values[] = {
	{"tap", CONFIG_EXCEPTION_TAP}, {"none", CONFIG_EXCEPTION_NONE}, {0}};

static const struct schema_key dataplane_keys[] = {
	LIST("workers", CPUS, config_dataplane, workers, NULL, SCHEMA_REQUIRED,
		"CPUs that forward packets: one worker and one queue of every port for each."),
	LIST("control_cpus", CPUS, config_dataplane, control_cpus, NULL, 0,
		"CPUs for everything else; where the kernel likes when absent."),
	KEY("memory", SIZE, config_dataplane, memory_bytes, 64 * MIB, 1024 * GIB, "1GiB", 0,
		"Memory for packet buffers and tables."),
	KEY("file_prefix", NAME, config_dataplane, file_prefix, 1, CONFIG_NAME_MAX, "sipshunt", 0,
		"EAL's file prefix, for the DPDK tools; unique on the host."),
	WORD("hugepages", hugepages_values, config_dataplane, hugepages, "auto", 0,
		"Use hugepages; `auto`: when there are enough."),
	WORD("idle", idle_values, config_dataplane, idle, "poll", 0,
		"What a worker does when there is nothing to do: poll on, or pause between polls."),
	KEY("socket", PATH, config_dataplane, socket, 1, SUN_PATH_MAX,
		"/run/sipshunt/dataplane.sock", 0, "Where control meets the dataplane."),
	SEQUENCE("ports", &port_item, config_dataplane, ports, 1, CONFIG_PORTS_MAX, SCHEMA_REQUIRED,
		"The network ports that sipshunt owns."),
	WORD("exception_path", exception_values, config_dataplane, exception_path, "tap", 0,
		"Packets that are not ours: to the port's twin in the kernel, or dropped."),
	MAPPING("reassembly", reassembly_keys, config_dataplane, reassembly, 0, "IP fragments."),
	{0},
};

static const struct schema_value method_values[] = {
	{"options", CONFIG_HEALTH_OPTIONS}, {"none", CONFIG_HEALTH_NONE}, {0}};
static const struct schema_value owner_values[] = {
	{"any", CONFIG_OWNER_ANY}, {"one", CONFIG_OWNER_ONE}, {0}};

static const struct schema_key health_keys[] = {
	WORD("method", method_values, config_health_check, method, "options", 0,
		"Probe with SIP OPTIONS, or take the backend as up always."),
	KEY("interval", DURATION, config_health_check, interval_ms, 50 * MS, HOUR, "5s", 0,
		"Time between two probes."),
	KEY("timeout", DURATION, config_health_check, timeout_ms, 20 * MS, MINUTE, "1s", 0,
		"A probe without an answer has failed after this; at most `interval`."),
	KEY("rise", UINT, config_health_check, rise, 1, 100, "3", 0,
		"Good probes in a row that bring a backend up."),
	KEY("fall", UINT, config_health_check, fall, 1, 100, "3", 0,
		"Failed probes in a row that take a backend down."),
	LIST("expect", STATUSES, config_health_check, expect, "200-299,404,405,501", 0,
		"Status codes that make a probe good."),
	KEY("from", SIP_URI, config_health_check, from, 5, 255, "sip:probe@sipshunt.invalid", 0,
		"URI of the probe's From."),
	KEY("jitter", PERCENT, config_health_check, jitter_percent, 0, 50, "20%", 0,
		"Probes are spread by up to this share of `interval`."),
	WORD("owner", owner_values, config_health_check, owner, "any", 0,
		"Every node probes every backend, or the nodes of the cluster share them out."),
	{0},
};

static const struct schema_key defaults_keys[] = {
	TEMPLATE("health_check", health_keys, SCHEMA_FIRST_TEMPLATE,
		"Health check of all backends; a service and a backend may override single keys."),
	{0},
};

static const struct schema_key acl_keys[] = {
	SEQUENCE("allow", &prefix_item, config_acl, allow, 0, 65536, 0,
		"Networks that may send; when there are any, all others may not."),
	SEQUENCE("deny", &prefix_item, config_acl, deny, 0, 65536, 0,
		"Networks that may not send; the longest matching prefix of both lists decides."),
	{0},
};

static const struct schema_value transport_values[] = {
	{"udp", CONFIG_TRANSPORT_UDP},
	{"tcp", SCHEMA_NOT_IMPLEMENTED},
	{"tls", SCHEMA_NOT_IMPLEMENTED},
	{"ws", SCHEMA_NOT_IMPLEMENTED},
	{"wss", SCHEMA_NOT_IMPLEMENTED},
	{0},
};

static const struct schema_key listener_keys[] = {
	KEY("address", ADDR, config_listener, address, 0, 0, NULL, SCHEMA_REQUIRED,
		"Virtual address, without brackets."),
	KEY("port", UINT, config_listener, port, 1, 65535, "5060", 0, "UDP port."),
	WORD("transport", transport_values, config_listener, transport, "udp", 0, "Transport."),
	MAPPING("acl", acl_keys, config_listener, acl, 0,
		"Who may send to this listener; everyone when absent."),
	{0},
};

static const struct schema_type listener_item = {
	.kind = SCHEMA_MAPPING, .size = sizeof(struct config_listener), .keys = listener_keys};

static const struct schema_value state_values[] = {
	{"ready", CONFIG_STATE_READY},
	{"drain", CONFIG_STATE_DRAIN},
	{"maint", CONFIG_STATE_MAINT},
	{0},
};

static const struct schema_key backend_keys[] = {
	KEY("name", NAME, config_backend, name, 1, CONFIG_NAME_MAX, NULL, SCHEMA_REQUIRED,
		"Name of the backend, unique in the service. The table is built from it: a backend "
		"that is renamed loses its calls."),
	KEY("address", ADDR, config_backend, address, 0, 0, NULL, SCHEMA_REQUIRED,
		"Address, without brackets."),
	KEY("port", UINT, config_backend, port, 1, 65535, "5060", 0, "UDP port."),
	KEY("weight", UINT, config_backend, weight, 1, 256, "100", 0,
		"Share of the calls, relative to the other backends of the service."),
	KEY("zone", NAME, config_backend, zone, 1, CONFIG_NAME_MAX, NULL, 0,
		"Where the backend stands, shown in lists."),
	WORD("state", state_values, config_backend, state, "ready", 0,
		"State wanted by the operator; `backend set` overrides it until this value "
		"changes."),
	MAPPING("health_check", health_keys, config_backend, health_check, SCHEMA_INHERITS,
		"Overrides of the service's health check."),
	{0},
};

static const struct schema_type backend_item = {
	.kind = SCHEMA_MAPPING, .size = sizeof(struct config_backend), .keys = backend_keys};

static const struct schema_value hash_values[] = {
	{"call-id", CONFIG_HASH_CALL_ID},
	{"from-aor", CONFIG_HASH_FROM_AOR},
	{"to-aor", CONFIG_HASH_TO_AOR},
	{"source-ip", CONFIG_HASH_SOURCE_IP},
	{0},
};

static const struct schema_key hash_keys[] = {
	WORD("key", hash_values, config_hash, key, "call-id", 0,
		"What decides the backend of a new call."),
	WORD("register_key", hash_values, config_hash, register_key, "to-aor", 0,
		"The same for REGISTER: `to-aor` brings all registrations of an AoR together."),
	{0},
};

static const struct schema_value unparsable_values[] = {
	{"reply", CONFIG_UNPARSABLE_REPLY}, {"drop", CONFIG_UNPARSABLE_DROP}, {0}};

static const struct schema_key limits_keys[] = {
	KEY("source_rate", RATE, config_limits, source_rate, 0, 10000000, "0/s", 0,
		"Messages from one address, counted by each worker for itself; `0/s`: no limit."),
	KEY("reply_rate", RATE, config_limits, reply_rate, 0, 10000000, "100/s", 0,
		"Our own answers to one address, counted likewise; `0/s`: no limit. Answers to "
		"keep-alives: as many again."),
	WORD("unparsable", unparsable_values, config_limits, unparsable, "reply", 0,
		"A request that breaks the grammar: 400 where an answer is possible, or silence."),
	KEY("max_message", SIZE, config_limits, max_message_bytes, 512, 65535, "65535B", 0,
		"Largest message, after reassembly."),
	KEY("max_headers", UINT, config_limits, max_headers, 16, 128, "128", 0,
		"Header fields in a message."),
	KEY("max_header_bytes", SIZE, config_limits, max_header_bytes, 512, 65535, "16KiB", 0,
		"Size of the header section."),
	{0},
};

static const struct schema_value forwarding_values[] = {
	{"proxy", CONFIG_FORWARDING_PROXY},
	{"dsr", SCHEMA_NOT_IMPLEMENTED},
	{"ipip", SCHEMA_NOT_IMPLEMENTED},
	{"redirect", SCHEMA_NOT_IMPLEMENTED},
	{0},
};
static const struct schema_value affinity_values[] = {
	{"call-id", CONFIG_AFFINITY_CALL_ID}, {"registration", CONFIG_AFFINITY_REGISTRATION}, {0}};
static const struct schema_value all_down_values[] = {
	{"spread", CONFIG_ALL_DOWN_SPREAD},
	{"reply-503", CONFIG_ALL_DOWN_REPLY_503},
	{"drop", CONFIG_ALL_DOWN_DROP},
	{0},
};

static const struct schema_key service_keys[] = {
	KEY("name", NAME, config_service, name, 1, CONFIG_NAME_MAX, NULL, SCHEMA_REQUIRED,
		"Name of the service, unique."),
	SEQUENCE("listen", &listener_item, config_service, listen, 1, CONFIG_LISTENERS_MAX,
		SCHEMA_REQUIRED,
		"Virtual addresses; one at least for each address family of the backends."),
	WORD("forwarding", forwarding_values, config_service, forwarding, "proxy", 0,
		"How messages reach the backends."),
	KEY("record_route", BOOL, config_service, record_route, 0, 0, "true", 0,
		"Stay in the path of dialogs (Record-Route)."),
	KEY("path", BOOL, config_service, path, 0, 0, "true", 0,
		"Stay in the path to registered clients (Path, RFC 3327)."),
	WORD("affinity", affinity_values, config_service, affinity, "call-id", 0,
		"`registration`: a request to a registered AoR goes to the backend that holds it."),
	MAPPING("hash", hash_keys, config_service, hash, 0, "What is hashed."),
	TEMPLATE("health_check", health_keys, SCHEMA_NEXT_TEMPLATE,
		"Overrides of `defaults.health_check`."),
	SEQUENCE("backends", &backend_item, config_service, backends, 1, CONFIG_BACKENDS_MAX,
		SCHEMA_REQUIRED, "The proxies behind the service."),
	KEY("slow_start", DURATION, config_service, slow_start_ms, 0, HOUR, "0s", 0,
		"A backend that comes up reaches its full weight after this; `0s`: at once."),
	KEY("panic_threshold", PERCENT, config_service, panic_threshold_percent, 0, 100, "0%", 0,
		"Below this share of usable weight health is ignored; `0%`: never."),
	WORD("when_all_down", all_down_values, config_service, when_all_down, "spread", 0,
		"No backend is usable: go on as if all were up, answer 503, or drop."),
	MAPPING("limits", limits_keys, config_service, limits, 0,
		"What one message or source may."),
	{0},
};

static const struct schema_type service_item = {
	.kind = SCHEMA_MAPPING, .size = sizeof(struct config_service), .keys = service_keys};

static const struct schema_key key_keys[] = {
	KEY("id", KEY_ID, config_key, id, 0, 0, NULL, SCHEMA_REQUIRED | SCHEMA_CLUSTER,
		"Name of the key in tokens."),
	KEY("file", PATH, config_key, file, 1, FILE_PATH_MAX, NULL, SCHEMA_REQUIRED,
		"File with the key: 32 hexadecimal digits, mode 0600 or stricter."),
	{0},
};

static const struct schema_type key_item = {
	.kind = SCHEMA_MAPPING, .size = sizeof(struct config_key), .keys = key_keys};

static const struct schema_key cluster_keys_keys[] = {
	KEY("primary", KEY_ID, config_cluster_keys, primary, 0, 0, NULL,
		SCHEMA_REQUIRED | SCHEMA_CLUSTER, "The key that signs: an `id` of `keys`."),
	SEQUENCE("keys", &key_item, config_cluster_keys, keys, 1, CONFIG_KEYS_MAX, SCHEMA_REQUIRED,
		"The keys that verify; two while one replaces the other."),
	KEY("table_file", PATH, config_cluster_keys, table_file, 1, FILE_PATH_MAX, NULL, 0,
		"File with a key of its own to seed the tables, so that replacing the others moves "
		"no "
		"call; the first of `keys` seeds them when absent."),
	{0},
};

static const struct schema_key sentinel_keys[] = {
	KEY("master_name", NAME, config_sentinel, master_name, 1, CONFIG_NAME_MAX, NULL,
		SCHEMA_REQUIRED, "Name of the master that the Sentinels watch."),
	SEQUENCE("endpoints", &socket_item, config_sentinel, endpoints, 1, 16, SCHEMA_REQUIRED,
		"The Sentinels."),
	{0},
};

static const struct schema_key redis_keys[] = {
	KEY("address", SOCKET, config_redis, address, 0, 0, NULL, 0,
		"The master; absent with `sentinel`."),
	MAPPING("sentinel", sentinel_keys, config_redis, sentinel, SCHEMA_SECTION,
		"Ask Sentinels for the master."),
	KEY("username", STRING, config_redis, username, 1, 255, NULL, 0,
		"ACL user; needs `password_file`."),
	KEY("password_file", PATH, config_redis, password_file, 1, FILE_PATH_MAX, NULL, 0,
		"File whose first line is the password, mode 0600 or stricter."),
	KEY("database", UINT, config_redis, database, 0, 65535, "0", 0, "Number of the database."),
	RESERVED("tls", "TLS to Redis."),
	KEY("connect_timeout", DURATION, config_redis, connect_timeout_ms, 10 * MS, MINUTE, "500ms",
		0, "Limit of a connection attempt."),
	KEY("command_timeout", DURATION, config_redis, command_timeout_ms, 10 * MS, MINUTE, "500ms",
		0, "Limit of a command; the connection is given up then."),
	KEY("keepalive", DURATION, config_redis, keepalive_ms, SECOND, 10 * MINUTE, "10s", 0,
		"PING on a connection that is silent for this long."),
	KEY("lease", DURATION, config_redis, lease_ms, SECOND, 10 * MINUTE, "15s", 0,
		"A node that is silent for this long has left the cluster."),
	KEY("publish_interval", DURATION, config_redis, publish_interval_ms, 100 * MS, MINUTE, "1s",
		0, "Time between two reports of this node's health; less than `lease`."),
	{0},
};

static const struct schema_key registrations_keys[] = {
	KEY("max", UINT, config_registrations, max, 0, 1 << 24, "1000000", 0,
		"Bindings held; `0`: registrations are not learned."),
	{0},
};

static const struct schema_key metrics_keys[] = {
	SEQUENCE("listen", &listen_item, config_metrics, listen, 0, 8, SCHEMA_RESTART,
		"Where metrics are served: loopback or UNIX sockets; nowhere when absent."),
	{0},
};

static const struct schema_key admin_keys[] = {
	KEY("socket", PATH, config_admin, socket, 1, SUN_PATH_MAX, "/run/sipshunt/admin.sock",
		SCHEMA_RESTART, "Socket that the `sipshunt` command talks to."),
	KEY("state_file", PATH, config_admin, state_file, 1, FILE_PATH_MAX,
		"/var/lib/sipshunt/state.json", SCHEMA_RESTART,
		"Where operator overrides survive a restart."),
	KEY("state_max_age", DURATION, config_admin, state_max_age_ms, 0, 365 * DAY, "7d", 0,
		"Overrides older than this are not taken over at start; `0s`: none are."),
	{0},
};

static const struct schema_value level_values[] = {
	{"err", CONFIG_LOG_ERR},
	{"warning", CONFIG_LOG_WARNING},
	{"notice", CONFIG_LOG_NOTICE},
	{"info", CONFIG_LOG_INFO},
	{"debug", CONFIG_LOG_DEBUG},
	{0},
};
static const struct schema_value target_values[] = {
	{"stderr", CONFIG_LOG_STDERR},
	{"journal", CONFIG_LOG_JOURNAL},
	{"syslog", CONFIG_LOG_SYSLOG},
	{0},
};
static const struct schema_value format_values[] = {
	{"logfmt", CONFIG_LOG_LOGFMT}, {"json", CONFIG_LOG_JSON}, {0}};

static const struct schema_key log_keys[] = {
	WORD("level", level_values, config_log, level, "info", 0,
		"Least important line that is written."),
	WORD("target", target_values, config_log, target, "stderr", SCHEMA_RESTART,
		"Where lines go."),
	WORD("format", format_values, config_log, format, "logfmt", 0, "How lines look."),
	{0},
};

static const struct schema_key root_keys[] = {
	KEY("schema", UINT, config, schema, 1, 1, NULL, SCHEMA_REQUIRED | SCHEMA_CLUSTER,
		"Version of this file's format."),
	MAPPING("node", node_keys, config, node, SCHEMA_REQUIRED | SCHEMA_RESTART, "This node."),
	MAPPING("dataplane", dataplane_keys, config, dataplane, SCHEMA_REQUIRED | SCHEMA_RESTART,
		"Packets, CPUs and memory."),
	TEMPLATE("defaults", defaults_keys, 0, "What services fall back to."),
	SEQUENCE("services", &service_item, config, services, 1, CONFIG_SERVICES_MAX,
		SCHEMA_REQUIRED | SCHEMA_CLUSTER, "What is balanced."),
	MAPPING("cluster_keys", cluster_keys_keys, config, cluster_keys, SCHEMA_SECTION,
		"Keys that sign tokens, the same on every node. When absent the node makes one up, "
		"which only a node that is alone can live with."),
	MAPPING("redis", redis_keys, config, redis, SCHEMA_SECTION,
		"State shared with the other nodes; local only when absent."),
	MAPPING("registrations", registrations_keys, config, registrations, SCHEMA_CLUSTER,
		"Learned registrations."),
	MAPPING("metrics", metrics_keys, config, metrics, 0, "Prometheus."),
	MAPPING("admin", admin_keys, config, admin, 0, "The `sipshunt` command."),
	MAPPING("log", log_keys, config, log, 0, "The log."),
	RESERVED("bgp", "Announcements of the virtual addresses."),
	RESERVED("mirror", "Copies of messages to HEP collectors."),
	{0},
};

const struct schema_type schema_root = {
	.kind = SCHEMA_MAPPING, .size = sizeof(struct config), .keys = root_keys};

// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_SNAPSHOT_H
#define DISPATCH_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/dispatch/addr.h"

// All that a worker needs to decide: one flat blob without pointers, built by control, checked and
// published by the dataplane's housekeeping, read-only ever after.
//
// Sections are arrays at byte offsets from the blob's start, each 64-byte aligned. Integers are in
// host byte order: a snapshot never leaves its machine. What must agree between machines is
// table_hash (and what travels in tokens).

#define SNAPSHOT_MAGIC UINT64_C(0x746e756873706973) // "sipshunt"
#define SNAPSHOT_VERSION 2
#define SNAPSHOT_SIZE_MAX (UINT32_C(512) << 20)

#define SNAPSHOT_BACKENDS_MAX 4096
#define SNAPSHOT_SERVICES_MAX 64
#define SNAPSHOT_LISTENERS_MAX 256
#define SNAPSHOT_KEYS_MAX 4
#define SNAPSHOT_PORTS_MAX 16 // a bit each in a mask of ports
#define SNAPSHOT_CANDIDATES 4
#define SNAPSHOT_PREV_MAX 2 // earlier tables of a service
#define SNAPSHOT_NONE UINT16_MAX // no such index
#define SNAPSHOT_VIA_MAX 96
#define SNAPSHOT_URI_MAX 64

enum service_mode { SERVICE_PROXY, SERVICE_DSR, SERVICE_IPIP, SERVICE_REDIRECT };

enum hash_key { HASH_CALL_ID, HASH_FROM_AOR, HASH_TO_AOR, HASH_SOURCE_IP };

enum service_flags {
	SERVICE_RECORD_ROUTE = 1 << 0, // insert Record-Route into dialog-forming requests
	SERVICE_PATH = 1 << 1, // insert Path into REGISTER that supports it (RFC 3327)
	SERVICE_AFFINITY_REGISTRATION = 1 << 2, // rule d of the decision
	SERVICE_REPLY_UNPARSABLE = 1 << 3, // 400 where an answer is possible, else drop
	SERVICE_DROP_WHEN_DOWN = 1 << 4, // no usable backend: drop, else 503
};

// A section of the blob: nb records of the section's type at byte offset off.
struct snapshot_section {
	uint32_t off;
	uint32_t nb;
};

// A signing key of the cluster (design: tokens). Two may be valid at once during a rotation.
struct snapshot_key {
	char id; // 'a'..'z', travels in every token
	uint8_t pad[7];
	uint8_t key[16];
};

struct snapshot_listener {
	struct endpoint local;
	uint16_t id; // stable: travels in tokens; listener_id() of address, port, transport
	uint16_t service;
	uint16_t port; // index of the DPDK port that owns the address; SNAPSHOT_NONE: any
	uint16_t acl_allow, nb_acl_allow; // ranges in the acl section; nb 0: no such list
	uint16_t acl_deny, nb_acl_deny;
	uint8_t sent_by_len;
	char sent_by[ENDPOINT_TEXT_MAX]; // "203.0.113.5:5060", as written into Via and Record-Route
	// What our header fields always say, so that a worker only copies (filled in by the build).
	uint8_t via_len;
	uint8_t uri_len;
	char via[SNAPSHOT_VIA_MAX]; // "Via: SIP/2.0/UDP 203.0.113.5:5060;branch="
	char uri[SNAPSHOT_URI_MAX]; // "@203.0.113.5:5060;lr", then ">" and CRLF
};

// A table that a service had before. CANCEL and ACK may go by it.
struct snapshot_prev {
	struct snapshot_section table; // nb 0: none. Indices are of THIS snapshot's backends
	uint64_t until_ms; // CLOCK_MONOTONIC: 64*T1 after it was replaced
};

struct snapshot_service {
	char name[64]; // NUL-terminated
	uint8_t mode; // enum service_mode
	uint8_t hash_key; // enum hash_key
	uint8_t register_hash_key; // enum hash_key, for REGISTER
	uint8_t flags; // enum service_flags
	uint16_t backend_first, nb_backends; // its slice of the backends section
	uint16_t listener_v4, listener_v6; // the one that sends to backends of that family
	struct snapshot_section table; // rows of SNAPSHOT_CANDIDATES uint16_t each; nb: rows, a power of 2
	struct snapshot_prev prev[SNAPSHOT_PREV_MAX]; // oldest first, then none
	uint64_t table_hash; // xxh64 over rows, ids and weights: equal on every node
	uint32_t source_rate; // requests per second and source address; 0: no limit
	uint32_t reply_rate; // local replies per second and source address; 0: no limit
	uint32_t max_message; // octets
	uint32_t max_header_bytes;
	uint16_t max_headers;
	uint16_t retry_after; // seconds, in a 503
	uint16_t counter; // slot of its counters (ipc.h): the same as long as the service exists
};

struct snapshot_backend {
	struct endpoint addr;
	uint32_t id; // stable: travels in tokens; backend_id() of service and backend name
	uint16_t service;
	uint16_t weight; // effective; for display and the table's build
	uint16_t counter; // slot of its counters (ipc.h): the same as long as the backend exists
	char name[64]; // NUL-terminated
	uint64_t name_hash; // table_name_hash(): its place in the rendezvous (filled in by the build)
	uint16_t next_same_ip; // the next higher index with the same IP address, or SNAPSHOT_NONE
	// Bit i: what comes in on port i with this source address is a forgery. The same for all backends
	// with one address.
	uint16_t barred_ports;
};

struct snapshot_prefix { // of an access list; sorted, longest first
	struct ip_addr ip;
	uint8_t len;
};

struct snapshot_route { // where packets go next; longest prefix wins
	struct ip_addr prefix;
	uint8_t prefix_len;
	uint16_t port; // index of the DPDK port
	struct ip_addr gateway; // family 0: on-link
	uint16_t also_ports; // bit i: a next hop of the same route that is not used leads over port i
};

struct snapshot_port { // a DPDK port as the snapshot's records name it, by index
	char name[32];
	uint16_t mtu; // octets of an IP packet
};

struct snapshot {
	uint64_t magic;
	uint32_t version;
	uint32_t size; // of the whole blob, this header included
	uint64_t checksum; // XXH3_64bits of the blob from generation to its end
	uint64_t generation; // ever growing within one control process and its successors
	uint64_t config_digest;

	uint8_t table_key[16]; // SipHash-1-3 of dispatch keys: equal on every node of the cluster
	struct snapshot_key keys[SNAPSHOT_KEYS_MAX];
	uint16_t nb_keys;
	uint16_t primary_key; // index: signs what is new
	uint16_t prev_primary_key; // index: signs CANCEL and ACK until prev_key_until_ms, else == primary_key
	uint64_t prev_key_until_ms;

	struct snapshot_section ports; // struct snapshot_port
	struct snapshot_section listeners; // struct snapshot_listener
	struct snapshot_section services; // struct snapshot_service
	struct snapshot_section backends; // struct snapshot_backend
	struct snapshot_section acl; // struct snapshot_prefix
	struct snapshot_section routes; // struct snapshot_route
	// Open-addressing indices: nb slots (a power of 2, at most half full) of uint16_t, SNAPSHOT_NONE
	// when empty; the first slot of a key is its hash & (nb - 1).
	struct snapshot_section listener_by_addr; // snapshot_hash_endpoint(local)
	struct snapshot_section listener_by_id; // id
	struct snapshot_section backend_by_id; // id
	struct snapshot_section backend_by_ip; // snapshot_hash_ip(addr.ip); one entry per distinct address
};

// Which backends may be used now, one bit per backend index of the snapshot. Written by
// housekeeping one word at a time (relaxed atomic stores), read by workers.
struct backend_bits {
	uint64_t fresh[SNAPSHOT_BACKENDS_MAX / 64]; // may get new dialogs: ready and up
	uint64_t pinned[SNAPSHOT_BACKENDS_MAX / 64]; // may get what belongs to it: not maint, not down
};

static inline bool backend_bit(const uint64_t *words, uint16_t backend)
{
	return __atomic_load_n(&words[backend / 64], __ATOMIC_RELAXED) >> (backend % 64) & 1;
}

// Check a blob that another process handed over: every magic, offset, count, index, string and the
// checksum. Any thread. After 0 every accessor below is safe on it.
// Return 0 or -EBADMSG, and *why says what is wrong (a constant string).
int snapshot_validate(const void *blob, size_t len, const char **why);

#define SNAPSHOT_AT(snap, section, type, i)                                                        \
	((const struct type *)((const char *)(snap) + (snap)->section.off) + (i))

static inline const struct snapshot_listener *snapshot_listener(const struct snapshot *s, uint16_t i)
{
	return SNAPSHOT_AT(s, listeners, snapshot_listener, i);
}

static inline const struct snapshot_service *snapshot_service(const struct snapshot *s, uint16_t i)
{
	return SNAPSHOT_AT(s, services, snapshot_service, i);
}

static inline const struct snapshot_backend *snapshot_backend(const struct snapshot *s, uint16_t i)
{
	return SNAPSHOT_AT(s, backends, snapshot_backend, i);
}

// The candidates of a row, best first; SNAPSHOT_NONE pads a service with fewer backends.
static inline const uint16_t *snapshot_row(const struct snapshot *s,
	const struct snapshot_section *table, uint64_t hash)
{
	const uint16_t *rows = (const uint16_t *)((const char *)s + table->off);

	return rows + (hash & (table->nb - 1)) * SNAPSHOT_CANDIDATES;
}

// A keyed digest of the Call-ID: the row of services that hash by Call-ID, and what ties tokens and
// transactions to their dialog. SipHash-1-3 under table_key.
uint64_t snapshot_call_digest(const struct snapshot *s, struct strv call_id);
// Of an AoR, the row of services that hash by it: "user@host", the host in lower case.
uint64_t snapshot_aor_digest(const struct snapshot *s, struct strv user, struct strv host);
// Of a source address, for HASH_SOURCE_IP.
uint64_t snapshot_ip_digest(const struct snapshot *s, const struct ip_addr *ip);

uint32_t snapshot_hash_endpoint(const struct endpoint *ep);
uint32_t snapshot_hash_ip(const struct ip_addr *ip);

// Lookups; SNAPSHOT_NONE when there is none.
uint16_t snapshot_find_listener(const struct snapshot *s, const struct endpoint *local);
uint16_t snapshot_find_listener_id(const struct snapshot *s, uint16_t id);
uint16_t snapshot_find_backend_id(const struct snapshot *s, uint32_t id);
// The backend that sends from this address: with the same port if there is one, else the first with
// that IP address.
uint16_t snapshot_find_backend_addr(const struct snapshot *s, const struct endpoint *source);
// The same, but one of `service` goes before all others.
uint16_t snapshot_find_backend_source(const struct snapshot *s, const struct endpoint *source,
	uint16_t service);

// Does a packet that claims to come from this backend (an index, or SNAPSHOT_NONE) lie, because it
// came in on a port where that backend cannot be? Any address can be written into a packet; the
// port that it comes in on cannot. `port` SNAPSHOT_NONE: not known, it is believed.
static inline bool snapshot_is_forged_source(const struct snapshot *s, uint16_t backend, uint16_t port)
{
	return backend != SNAPSHOT_NONE && port < SNAPSHOT_PORTS_MAX &&
		(snapshot_backend(s, backend)->barred_ports >> port & 1) != 0;
}

// The ids that travel in tokens: from names, so that they mean the same on every node and after
// every reload. Control refuses a configuration in which two of them collide.
uint32_t backend_id(const char *service, const char *backend);
uint16_t listener_id(const struct endpoint *local);

// What control fills in to have a snapshot built; owned by the caller.
struct snapshot_input {
	uint64_t generation;
	uint64_t config_digest;
	uint8_t table_key[16];
	const struct snapshot_key *keys;
	uint16_t nb_keys, primary_key, prev_primary_key;
	uint64_t prev_key_until_ms;
	const struct snapshot_port *ports;
	const struct snapshot_listener *listeners; // id, sent_by are filled in by the build
	const struct snapshot_service *services; // table sections, table_hash are filled in
	const struct snapshot_backend *backends; // grouped by service, sorted by name within it; id filled in
	const struct snapshot_prefix *acl;
	const struct snapshot_route *routes;
	uint32_t nb_ports, nb_listeners, nb_services, nb_backends, nb_acl, nb_routes;
	const struct snapshot *prev; // whose tables become earlier ones where a service's table changed; or NULL
	uint64_t prev_until_ms; // end of the window for tables that change with this build
	uint64_t now_ms; // CLOCK_MONOTONIC: windows of prev that are over are left out; 0: none are
};

// The octets that a build of this input needs; 0 and errno set when the input breaks a limit.
size_t snapshot_build_size(const struct snapshot_input *in);

// Build into blob (64-byte aligned, snapshot_build_size() octets, zeroed). Deterministic: equal input
// gives equal octets. A service whose table is the same as in `prev` keeps prev's own earlier tables; of
// more than SNAPSHOT_PREV_MAX those stay that were in force the longest of the last window.
// Return 0, or -EEXIST (two equal ids), -EINVAL.
int snapshot_build(const struct snapshot_input *in, void *blob, size_t len);

#endif

// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_IPC_H
#define DATAPLANE_IPC_H

#include <stdint.h>

#include "dataplane/dispatch/addr.h"
#include "dataplane/dispatch/decide.h"
#include "dataplane/dispatch/snapshot.h"
#include "parser/sip_msg.h"

// What the control and dataplane processes say to each other: a UNIX SOCK_SEQPACKET socket (the
// dataplane listens, one control process at a time, a newcomer replaces the old one) and one shared
// memory segment. No DPDK types: control is an ordinary process.
//
// Each datagram is a struct ipc_header and the body that its type names. The receiver checks type,
// length and every field; a message that fails ends the connection, never the process.
//
//   dataplane                                  control
//       <---------------------------------------- connect
//       -- HELLO [shm fd, snapshot fd] ---------->          fds only when running / published
//       <---------------------------------------- START     if HELLO says idle
//       -- STARTED [shm fd] --------------------->
//       <---------------------------------------- SNAPSHOT [memfd]
//       -- SNAPSHOT_DONE ------------------------>          published, old one freed
//       <---------------------------------------- BITS, NEIGHBOUR, BINDINGS, NAME, TRACE, LOG  any time
//       -- PORT --------------------------------->          link changes

#define IPC_MAGIC UINT32_C(0x73687478)
#define IPC_VERSION 2
#define IPC_MESSAGE_MAX 65536
#define IPC_PORTS_MAX 16
#define IPC_WORKERS_MAX 64
#define IPC_SERVICE_SLOTS SNAPSHOT_SERVICES_MAX
#define IPC_BACKEND_SLOTS SNAPSHOT_BACKENDS_MAX

enum ipc_type {
	IPC_HELLO = 1,
	IPC_START,
	IPC_STARTED,
	IPC_SNAPSHOT,
	IPC_SNAPSHOT_DONE,
	IPC_BITS,
	IPC_NEIGHBOUR,
	IPC_BINDINGS,
	IPC_PORT,
	IPC_TRACE,
	IPC_LOG,
	IPC_NAME,
	IPC_TYPES
};

struct ipc_header {
	uint32_t magic;
	uint16_t version;
	uint16_t type; // enum ipc_type
	uint32_t len; // of header and body
	uint32_t seq; // of the sender
};

enum ipc_state { IPC_IDLE, IPC_RUNNING, IPC_FAILED };

struct ipc_hello { // dataplane -> control, first thing on a connection
	uint32_t state; // enum ipc_state; FAILED: EAL or ports did not start, `error` says why
	uint32_t pid;
	uint64_t start_digest; // of the IPC_START it runs with
	uint64_t generation; // of the published snapshot; 0: none
	uint32_t nb_fds; // that come along: 0, 1 (shm) or 2 (shm, snapshot memfd)
	char error[256];
};

enum ipc_hugepages { IPC_HUGEPAGES_AUTO, IPC_HUGEPAGES_ON, IPC_HUGEPAGES_OFF };
enum ipc_idle { IPC_IDLE_POLL, IPC_IDLE_PAUSE };

struct ipc_start_port {
	char name[32];
	char device[192]; // PCI address or vdev string, as in the YAML
	char twin[16]; // interface name of the kernel twin; empty: none
	uint32_t mtu;
	uint32_t pad;
};

struct ipc_start { // control -> dataplane: what cannot change while it runs
	uint64_t digest; // of this struct's meaning, chosen by control
	uint16_t worker_cpus[IPC_WORKERS_MAX]; // one worker, one RX/TX queue pair per port, on each
	uint16_t nb_workers;
	uint16_t main_cpu; // housekeeping
	uint32_t memory_mb;
	uint32_t hugepages; // enum ipc_hugepages
	uint32_t idle; // enum ipc_idle
	uint32_t txn_entries; // per worker, a power of 2
	uint32_t bindings_max; // capacity of the binding table, 0: none
	uint32_t reassembly_timeout_ms;
	uint32_t reassembly_flows; // datagrams in reassembly at once, per worker
	uint32_t reassembly_per_source; // ... of which per source address
	uint32_t reassembly_fragments; // of one datagram; 0: as many as can be
	uint32_t nb_mbufs; // 0: chosen from ports and workers
	char file_prefix[32];
	uint32_t nb_ports;
	struct ipc_start_port ports[IPC_PORTS_MAX];
};

struct ipc_port_info {
	char name[32];
	char twin[16];
	uint8_t mac[6];
	uint8_t link_up;
	uint8_t pad;
	uint32_t mtu;
};

struct ipc_started { // dataplane -> control, with the shm fd when error is 0
	int32_t error; // negative errno
	uint32_t nb_workers;
	uint32_t nb_ports;
	char text[256]; // says what failed, for the operator
	struct ipc_port_info ports[IPC_PORTS_MAX];
};

struct ipc_snapshot { // control -> dataplane, with a sealed memfd
	uint64_t generation;
	uint64_t blob_len; // the blob stands at offset 0
	uint64_t bits_off; // struct backend_bits for it
};

struct ipc_snapshot_done {
	uint64_t generation;
	int32_t error; // 0: published; negative errno: refused, the old one stays
	uint32_t pad;
	char text[128];
};

struct ipc_bits { // control -> dataplane: flips bits of the published snapshot
	uint64_t generation; // of the snapshot meant; another one is ignored
	uint32_t nb;
	uint32_t pad;
	struct {
		uint16_t backend; // index
		uint8_t fresh, pinned;
	} entries[];
};

struct ipc_neighbour { // control -> dataplane
	uint16_t port; // index
	uint8_t valid; // 0: forget it
	uint8_t mac[6];
	uint8_t pad;
	struct ip_addr ip;
};

struct ipc_bindings { // control -> dataplane: a batch for rule d
	uint32_t nb;
	uint32_t pad;
	// nb records, each followed by its octets and padded to 4:
	// { uint32_t backend_id (0: delete), uint32_t lifetime_s, uint16_t user_len, uint16_t host_len }
};

struct ipc_binding {
	uint32_t backend_id;
	uint32_t lifetime_s;
	uint16_t user_len, host_len;
	char octets[]; // user, then host
};

#define IPC_HOST_MAX 255 // octets of a host name (RFC 1035)

struct ipc_name { // control -> dataplane: the answer to IPC_EVENT_RESOLVE
	uint8_t ok; // 0: it leads nowhere, for ttl_ms
	uint8_t pad;
	uint16_t port; // of the question
	uint16_t host_len;
	uint32_t ttl_ms;
	struct endpoint to; // if ok; its port is what the question's port means
	char host[IPC_HOST_MAX + 1];
};

struct ipc_port { // dataplane -> control: link change
	uint32_t port;
	uint32_t link_up;
};

enum ipc_trace_field { IPC_TRACE_OFF, IPC_TRACE_CALL_ID, IPC_TRACE_FROM, IPC_TRACE_SOURCE };

struct ipc_trace { // control -> dataplane: copy matching messages to the trace rings
	uint32_t field; // enum ipc_trace_field; OFF ends it
	uint32_t limit; // copies, over all workers; the dataplane stops by itself after them
	struct ip_addr source; // IPC_TRACE_SOURCE
	uint32_t pattern_len;
	char pattern[256]; // octets; a '*' at the end matches any rest
};

struct ipc_log { // control -> dataplane
	uint32_t level; // RTE_LOG_*: 4 error .. 8 debug
};

// ---- Shared memory: created by the dataplane, mapped by control --------------------------------
//
// Counters have one writer (their worker) and are read with relaxed loads. Rings are single
// producer, single consumer struct ipc_rings of fixed records; a full ring counts and drops.

#define IPC_SHM_MAGIC UINT64_C(0x6d687374687370)
#define IPC_LATENCY_SLOTS 512 // log-linear: see ipc_latency_slot()
#define IPC_BURST_SLOTS 8 // packets per non-empty burst: 1, 2, 4 .. 64 and more
#define IPC_SIZE_SLOTS 8 // message octets: up to 256, 512, 1024, 1500, 2048, 4096, 8192, more
#define IPC_EVENT_SIZE 1024
#define IPC_EVENT_SLOTS 4096
#define IPC_INJECT_SIZE 2048
#define IPC_INJECT_SLOTS 1024
#define IPC_TRACE_SIZE 4096
#define IPC_TRACE_SLOTS 512

struct ipc_service_counters {
	uint64_t requests[SIP_METHODS]; // received, by enum sip_method
	uint64_t responses[8]; // received, by status class; [0] unused
	uint64_t replies[8]; // built here, by status class
	uint64_t drops[DROP_REASONS];
	uint64_t parse_errors[SIP_REASONS];
	uint64_t rules[RULES];
	uint64_t message_size[IPC_SIZE_SLOTS];
	uint64_t message_octets;
};

struct ipc_backend_counters {
	uint64_t requests; // sent to it
	uint64_t fresh; // ... of which were placed by the table or a binding, not by token or cache
	uint64_t responses[8]; // seen from it, by status class
};

struct ipc_worker_counters {
	uint64_t turns; // of the poll loop: moves as long as the worker lives
	uint64_t busy_cycles, idle_cycles; // TSC
	uint64_t burst[IPC_BURST_SLOTS];
	uint64_t rx_packets, tx_packets; // tx without the frames of the kernel: from_twin
	uint64_t to_twin, from_twin; // exception path
	uint64_t keepalives; // answered: CRLF, STUN
	uint64_t fragments, reassembled, reassembly_expired, fragmented; // IP
	uint64_t fragments_passed; // to the worker that their datagram belongs to, which counts them above
	uint64_t reassembly_evicted; // incomplete datagrams that had to make room for newer ones
	uint64_t injected; // packets from control sent
	uint64_t events_lost, traces_lost; // ring full
	uint64_t txn_hits, txn_misses; // lookups in the transaction cache
	uint64_t txn_full; // ... and transactions that it had no room for
	uint64_t icmp_limited; // ICMP errors that control was not told of: too many of one backend
	uint64_t twin_fragmented; // datagrams that were cut again for the kernel twin
	uint64_t to_twin_lost, from_twin_lost; // a full device, a full ring; housekeeping writes these
	uint64_t latency[IPC_LATENCY_SLOTS]; // receive burst to transmit, TSC cycles
	uint64_t latency_cycles; // sum
	uint64_t drops[DROP_REASONS]; // where no service is known
	struct ipc_service_counters services[IPC_SERVICE_SLOTS]; // by snapshot_service.counter
	struct ipc_backend_counters backends[IPC_BACKEND_SLOTS]; // by snapshot_backend.counter
};

struct ipc_port_counters { // written by housekeeping once a second
	uint64_t rx_packets, rx_octets, tx_packets, tx_octets;
	uint64_t rx_missed, rx_errors, tx_errors, rx_no_mbuf;
	uint64_t link_up;
};

struct ipc_shm {
	uint64_t magic;
	uint32_t version;
	uint32_t nb_workers, nb_ports;
	uint64_t size;
	uint64_t tsc_hz;
	uint64_t start_unix_ns; // when the dataplane started
	uint64_t mbufs_total, mbufs_in_use; // refreshed once a second
	uint64_t bindings; // entries of the binding table
	uint64_t generation; // published
	uint64_t held_packets; // waiting for a neighbour
	// Offsets from the start of the segment.
	uint64_t ports_off; // struct ipc_port_counters[nb_ports]
	uint64_t workers_off; // struct ipc_worker_counters[nb_workers], stride workers_stride
	uint64_t workers_stride;
	uint64_t events_off; // ipc_ring of IPC_EVENT_SIZE records per worker, stride events_stride
	uint64_t events_stride;
	uint64_t traces_off; // ipc_ring of IPC_TRACE_SIZE records per worker
	uint64_t traces_stride;
	uint64_t inject_off; // one ipc_ring of IPC_INJECT_SIZE records, control -> worker 0
};

// A ring of fixed records between one producer and one consumer, in any two processes. The other
// side is not trusted with more than the records: each side keeps to the geometry that it was
// told (`slots`, a power of 2, and `record`), never to what stands in the segment.
struct ipc_ring {
	uint32_t head __attribute__((aligned(64))); // records ever put in; written by the producer
	uint32_t tail __attribute__((aligned(64))); // records ever taken out; by the consumer
	char records[] __attribute__((aligned(64)));
};

static inline uint64_t ipc_ring_size(uint32_t slots, uint32_t record)
{
	return sizeof(struct ipc_ring) + (uint64_t)slots * record;
}

// Producer: records that the consumer has not taken yet.
static inline uint32_t ipc_ring_used(const struct ipc_ring *ring)
{
	return __atomic_load_n(&ring->head, __ATOMIC_RELAXED) -
		__atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
}

// Producer: the record to fill in, or NULL when the ring is full. Then ipc_ring_push().
static inline void *ipc_ring_reserve(struct ipc_ring *ring, uint32_t slots, uint32_t record)
{
	uint32_t head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);

	if (head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) >= slots)
		return NULL;
	return ring->records + (uint64_t)(head & (slots - 1)) * record;
}

static inline void ipc_ring_push(struct ipc_ring *ring)
{
	__atomic_store_n(&ring->head, ring->head + 1, __ATOMIC_RELEASE);
}

// Consumer: the oldest record, or NULL when there is none. Then ipc_ring_pop().
static inline void *ipc_ring_peek(struct ipc_ring *ring, uint32_t slots, uint32_t record)
{
	uint32_t tail = __atomic_load_n(&ring->tail, __ATOMIC_RELAXED);

	if (__atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) == tail)
		return NULL;
	return ring->records + (uint64_t)(tail & (slots - 1)) * record;
}

static inline void ipc_ring_pop(struct ipc_ring *ring)
{
	__atomic_store_n(&ring->tail, ring->tail + 1, __ATOMIC_RELEASE);
}

// Log-linear slot of a latency in TSC cycles: 16 linear slots per power of two from 2^6 on.
static inline uint32_t ipc_latency_slot(uint64_t cycles)
{
	uint32_t msb, slot;

	if (cycles < 64)
		return (uint32_t)(cycles >> 2);
	msb = 63 - (uint32_t)__builtin_clzll(cycles);
	slot = (msb - 5) * 16 + (uint32_t)(cycles >> (msb - 4) & 15);
	return slot < IPC_LATENCY_SLOTS ? slot : IPC_LATENCY_SLOTS - 1;
}

// The smallest number of cycles that falls into a slot.
static inline uint64_t ipc_latency_floor(uint32_t slot)
{
	if (slot < 16)
		return (uint64_t)slot << 2;
	return (UINT64_C(16) + slot % 16) << (slot / 16 + 1);
}

enum ipc_event_type {
	IPC_EVENT_PROBE = 1,
	IPC_EVENT_BINDING,
	IPC_EVENT_ICMP,
	IPC_EVENT_NEIGHBOUR, // unknown next hop: please resolve
	IPC_EVENT_REJECT, // a sample of a refused message
	IPC_EVENT_RESOLVE // next hop is a name
};

struct ipc_event_probe {
	uint64_t probe_id;
	uint64_t received_ns; // CLOCK_MONOTONIC
	uint16_t status;
};

struct ipc_event_binding { // one Contact of a 2xx to REGISTER; contact_len 0: all of the AoR are gone
	uint32_t backend_id;
	uint32_t expires_s; // 0: this binding is gone
	uint16_t listener_id;
	struct endpoint flow; // where the response went
	uint16_t user_len, host_len, contact_len;
	char octets[IPC_EVENT_SIZE - 64]; // AoR user, AoR host, contact URI
};

struct ipc_event_icmp { // an ICMP error about a packet that we sent to a backend
	uint32_t backend_id;
	uint8_t type, code;
	uint8_t family; // 4: ICMP, 6: ICMPv6
};

struct ipc_event_resolve { // answer with IPC_NAME; the message waits meanwhile, but not for long
	uint16_t port; // of the URI, 0: absent (RFC 3263)
	uint16_t host_len;
	uint8_t families; // that we can send to: bit 0 IPv4, bit 1 IPv6
	char host[IPC_HOST_MAX + 1];
};

struct ipc_event_neighbour {
	uint16_t port;
	struct ip_addr ip;
};

struct ipc_event_reject {
	uint64_t received_ns; // CLOCK_REALTIME
	struct endpoint source;
	uint16_t service; // counter slot
	uint16_t reason; // enum sip_reason
	uint32_t error_off;
	uint32_t message_len;
	uint32_t copied_off, copied_len; // the octets around error_off
	char octets[512];
};

struct ipc_event {
	uint32_t type; // enum ipc_event_type
	uint32_t pad;
	union {
		struct ipc_event_probe probe;
		struct ipc_event_binding binding;
		struct ipc_event_icmp icmp;
		struct ipc_event_neighbour neighbour;
		struct ipc_event_reject reject;
		struct ipc_event_resolve resolve;
		char octets[IPC_EVENT_SIZE - 8];
	};
};

_Static_assert(sizeof(struct ipc_event) == IPC_EVENT_SIZE, "ring records have a fixed size");

struct ipc_inject { // control -> worker 0: send this SIP message from a listener
	uint16_t listener_id;
	uint16_t len;
	uint32_t pad;
	struct endpoint to;
	char octets[IPC_INJECT_SIZE - 40];
};

_Static_assert(sizeof(struct ipc_inject) <= IPC_INJECT_SIZE, "ring records have a fixed size");

struct ipc_trace_record { // a copy of a message that matched, with what was done to it
	uint64_t received_ns; // CLOCK_REALTIME
	struct endpoint source, local, to;
	uint32_t message_len;
	uint16_t copied_len;
	uint16_t backend; // counter slot, SNAPSHOT_NONE
	uint8_t action, rule, drop, reason; // enum action, rule, drop_reason, sip_reason
	uint8_t direction; // 0: as received, 1: as sent
	uint8_t worker;
	uint16_t pad;
	char octets[IPC_TRACE_SIZE - 128];
};

_Static_assert(sizeof(struct ipc_trace_record) <= IPC_TRACE_SIZE, "ring records have a fixed size");

#endif

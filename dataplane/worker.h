// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_WORKER_H
#define DATAPLANE_WORKER_H

#include <rte_mbuf.h>
#include <rte_prefetch.h>
#include <rte_ring.h>

#include "dataplane/dispatch/decide.h"
#include "dataplane/ipc.h"
#include "dataplane/neighbour.h"
#include "dataplane/port.h"
#include "dataplane/publish.h"
#include "parser/opaque.h"

// One worker: an lcore's poll loop and everything it writes. Stages are functions over a worker and
// an array of packets; each takes a burst, lets go of what ends there, and leaves the rest in order
// at the front.
//
// Every mbuf leaves exactly once: through tx, worker_drop() with a reason, or worker_punt() to the
// kernel.

// Frames received from a port or ring at once, and sent. The first of them waits for the last, and
// what they all wait for once (their descriptors, the first lines of their octets, the clock) is
// shared by as many. More than 32 at once are more than some drivers give.
#define BURST_MAX 32
// Frames that go through the stages together: what the stages write about them (2 KB each) is still
// in the first cache when the next stage reads it, and when the next few frames use it again.
#define PKTS_MAX 8
#define WORKER_CACHE 256 // mbufs of a pool that an lcore keeps for itself

// Room in front of a SIP message that tx needs for its headers.
#define HEADERS_MAX (RTE_ETHER_HDR_LEN + 40 + 8)

enum pkt_kind {
	PKT_MESSAGE, // the mbuf's data is the payload of a datagram for one of our listeners
	PKT_FRAGMENT // the mbuf's data is a frame with an IP fragment for one of our addresses
};

// A packet on its way through the stages. What all of them look at comes first, in one cache line.
struct pkt {
	struct rte_mbuf *m;
	// rx sets its port, classify its listener and source, of one that waited resolve all three;
	// decide the rest.
	struct decide_in in;
	uint16_t service_slot; // of the counters of the listener's service
	uint8_t kind; // enum pkt_kind
	uint8_t reason; // enum sip_reason, of the parse stage
	bool traced;
	bool again; // it waited for a name, and `resolved` says where that leads
	struct endpoint resolved; // family 0: nowhere
	struct sip_msg msg;
	struct decision decision;
} __rte_cache_aligned;

_Static_assert(
	offsetof(struct pkt, resolved) <= RTE_CACHE_LINE_SIZE, "one line for classify and tx");

// Time as housekeeping tells it, so that workers need no system call for it.
struct worker_clock {
	uint64_t now_ms; // CLOCK_MONOTONIC
} __rte_cache_aligned;

// Whose frame it is, where its drop is counted: a counter slot of a service, or one of these.
#define TX_NO_SERVICE UINT16_MAX
#define TX_OF_KERNEL (UINT16_MAX - 1)

struct tx_buffer {
	uint16_t nb;
	uint16_t nb_of_kernel; // of them
	uint16_t services[BURST_MAX];
	struct rte_mbuf *mbufs[BURST_MAX];
};

struct hold_queue; // hold.h
struct name_table; // names.h
struct next_hop_cache; // next_hop.h
struct pmtu_table; // pmtu.h
struct rate_table; // rate.h
struct resolve_queue; // resolve.h
struct reassembler; // reassembler.h
struct trace_filter; // trace.h
struct txn_cache;
struct binding_table;

struct worker {
	// Set before it starts.
	uint16_t index, nb_workers, nb_ports;
	uint8_t idle; // enum ipc_idle
	bool tx_cksum; // every port fills in IPv4 and UDP checksums itself
	const struct port *ports;
	const struct publisher *publisher;
	const struct worker_clock *clock;
	struct neighbour_table *neighbours;
	struct pmtu_table *pmtus;
	const struct name_table *names;
	const struct binding_table *bindings;
	struct trace_filter *trace;
	struct rte_rcu_qsbr *qsbr;
	struct rte_mempool *pool; // what ports receive into
	struct rte_mempool *large; // of REASSEMBLER_DATA_ROOM: whole datagrams
	struct ipc_worker_counters *counters;
	struct ipc_ring *events, *traces;
	struct ipc_ring *inject; // worker 0 only, else NULL
	struct rte_ring *to_twin; // frames for the kernel: housekeeping hands them over
	struct rte_ring *from_twin; // frames of the kernel, worker 0 only, else NULL
	struct rte_ring *to_peer[IPC_WORKERS_MAX]; // fragments that belong to another worker
	struct rte_ring *from_peer[IPC_WORKERS_MAX];
	uint8_t key[16]; // random, the same in all workers: of fragments, sources, names
	bool stop; // set by the main thread

	// Its own.
	struct txn_cache *txns; // NULL: none
	size_t txns_size;
	struct rate_table *rates;
	struct reassembler *reassembler;
	struct hold_queue *holds;
	struct resolve_queue *resolves;
	struct next_hop_cache *next_hops;
	uint32_t epoch; // of what it remembers about next hops: see next_hop_begin_turn()
	uint32_t epoch_neighbours;
	uint64_t epoch_generation;
	const struct published *epoch_published;
	uint32_t empty_turns;
	uint16_t ip_id; // of what it sends
	uint32_t reject_tokens; // samples of refused messages left in this second
	uint64_t reject_second;
	uint64_t icmp_period;
	uint64_t icmp_told[SNAPSHOT_BACKENDS_MAX /
		64]; // by backend: an error was told in this period

	// This turn.
	const struct published *published; // NULL: nothing published yet
	uint64_t now_ms;
	uint64_t tsc; // when the last burst was done with, or the turn began
	uint32_t nb_received, nb_sent;
	struct tx_buffer tx[IPC_PORTS_MAX];
	struct rte_mbuf *received[BURST_MAX];
	struct pkt *pkts[PKTS_MAX];
	struct pkt slots[PKTS_MAX];
};

// What holds for a whole turn: its snapshot, its time, what is remembered of next hops.
void worker_begin_turn(struct worker *w);
// Once round the loop: everything that waits at the ports and rings, through all stages.
void worker_turn(struct worker *w);
// The lcore function: turns until w->stop. `arg` is the worker.
int worker_run(void *arg);

// Count a burst whose messages were received at w->tsc or later and sent by `now`, which becomes
// w->tsc.
void worker_record(struct worker *w, uint32_t nb_sent, uint64_t now);

// A reason where no service is known, and one where it is.
void worker_drop(struct worker *w, struct rte_mbuf *m, enum drop_reason reason);
void pkt_drop(struct worker *w, struct pkt *pkt, enum drop_reason reason);

// Hand a frame to the kernel twin of the port that it came in on.
void worker_punt(struct worker *w, struct rte_mbuf *m, uint16_t port);

// An mbuf with room for `len` octets of payload, headers before it and padding behind; data_off is
// set so that the payload may grow at its front. Returns NULL when there is none.
struct rte_mbuf *worker_alloc(struct worker *w, uint32_t len);

// The stages, one file each. rx fills w->received with up to BURST_MAX frames of a port, or of the
// ring from another worker; rx_take() then gives up to PKTS_MAX of them their struct pkt. `port` is
// the one that they came in on, RX_PORT_OF_MBUF: as each mbuf says.
#define RX_PORT_OF_MBUF UINT16_MAX
uint16_t rx_burst(struct worker *w, uint16_t port);
uint16_t rx_peer(struct worker *w, uint16_t peer);
void rx_take(struct worker *w, struct rte_mbuf *const *mbufs, uint16_t nb, uint16_t port);
uint16_t classify_burst(struct worker *w, struct pkt **pkts, uint16_t nb);
uint16_t reassemble_burst(struct worker *w, struct pkt **pkts, uint16_t nb);
uint16_t parse_burst(struct worker *w, struct pkt **pkts, uint16_t nb);
uint16_t decide_burst(struct worker *w, struct pkt **pkts, uint16_t nb);
uint16_t rewrite_burst(struct worker *w, struct pkt **pkts, uint16_t nb);
void tx_burst(struct worker *w, struct pkt **pkts, uint16_t nb);

// classify.c: a frame that is whole by now. Returns whether it goes on as pkt->kind PKT_MESSAGE.
bool classify_whole(struct worker *w, struct pkt *pkt);
// twin.c: frames of the kernel to their ports.
void twin_forward(struct worker *w);
// inject.c: messages of control.
void inject_forward(struct worker *w);

// tx.c: send a datagram from a listener. The mbuf's data is its payload, with HEADERS_MAX octets of
// headroom. Takes the mbuf over; a drop is counted for the listener's service.
void tx_message(struct worker *w, struct rte_mbuf *m, uint16_t listener, const struct endpoint *to);
// tx.c: send an IP packet (the mbuf's data) of a service to its next hop.
void tx_ip(struct worker *w, struct rte_mbuf *m, const struct ip_addr *to, uint16_t service);
// tx.c: queue a frame on a port.
void tx_frame(struct worker *w, struct rte_mbuf *m, uint16_t port, uint16_t service);
// tx.c: let go of a packet that cannot be sent.
void tx_drop(struct worker *w, struct rte_mbuf *m, uint16_t service, enum drop_reason reason);
void tx_flush(struct worker *w);

// The lines of an ordinary message's header section: nothing of it is in a cache yet. A few
// messages ahead, because more than a few dozen lines cannot be on their way at once.
#define PREFETCH_AHEAD 2 // messages
#define PREFETCH_OCTETS 640

static inline void worker_prefetch(const struct rte_mbuf *m)
{
	const char *data = rte_pktmbuf_mtod(m, const char *);

	OPAQUE(data);
	for (unsigned int off = 0; off < PREFETCH_OCTETS; off += RTE_CACHE_LINE_SIZE)
		rte_prefetch0(data + off);
}

static inline struct ipc_service_counters *pkt_service(struct worker *w, const struct pkt *pkt)
{
	struct ipc_service_counters *service = &w->counters->services[pkt->service_slot];

	OPAQUE(service);
	return service;
}

#endif

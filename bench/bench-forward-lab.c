// SPDX-License-Identifier: BSD-3-Clause
#include "bench/bench-forward-lab.h"

#include "bench/bench-forward-frames.h"
#include "bench/bench-forward-pages.h"
#include "bench/jumps.h"
#include "bench/steps.h"
#include "dataplane/dispatch/binding_table.h"
#include "dataplane/memory.h"
#include "dataplane/reassembler.h"

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_malloc.h>

#include <stdio.h>
#include <stdlib.h>

#define MEMORY_MB 512
#define REASSEMBLY_FLOWS 1024
#define JUMBO_ROOM (RTE_PKTMBUF_HEADROOM + 9216)
#define BACKENDS_MAX 1000
#define TURNS_PER_COUNT 64 // a step takes microseconds

static void die(const char *what)
{
	fprintf(stderr, "bench-forward: %s\n", what);
	exit(2);
}

static void start_eal(struct lab *lab, unsigned int cpu)
{
	static char lcores[32], memory[16];
	char *argv[] = {"bench-forward", lcores, "-m", memory, "--no-pci", "--no-telemetry",
		"--no-shconf", "--iova-mode=va", "--log-level=error", "--no-huge", NULL};
	int argc = 10;

	snprintf(lcores, sizeof(lcores), "--lcores=0@%u", cpu);
	snprintf(memory, sizeof(memory), "%d", MEMORY_MB);
	// Both as in dataplane/eal.c. In memory, no hugetlbfs is needed.
	if (lab->hugepages && pages_reserve(cpu, MEMORY_MB / 2))
		argv[9] = "--in-memory";
	if (rte_eal_init(argc, argv) < 0)
		die("EAL does not start (with --no-hugepages?)");
}

static struct rte_ring *ring(const char *name, uint16_t port, uint32_t size)
{
	char full[RTE_RING_NAMESIZE];
	struct rte_ring *r;

	snprintf(full, sizeof(full), "bench_%s%u", name, port);
	r = rte_ring_create(full, size, (int)rte_socket_id(), RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (r == NULL)
		die("no memory for a ring");
	return r;
}

// How many frames have come in by now.
static uint32_t arrived(const struct lab *lab)
{
	uint64_t nb;

	if (lab->pace_cycles == 0)
		return lab->nb;
	nb = (rte_rdtsc() - lab->pace_start) / lab->pace_cycles;
	return (uint32_t)RTE_MIN(nb, lab->nb);
}

static uint16_t receive(
	uint16_t id, uint16_t queue, struct rte_mbuf **mbufs, uint16_t nb, uint16_t max, void *arg)
{
	struct lab_feed *feed = arg;
	struct lab *lab = feed->lab;
	uint32_t n = RTE_MIN((uint32_t)(max - nb), feed->nb - feed->next);

	(void)id;
	(void)queue;
	n = RTE_MIN(n, arrived(lab) - (lab->nb - lab->left));
	memcpy(mbufs + nb, feed->mbufs + feed->next, n * sizeof(*mbufs));
	feed->next += n;
	lab->left -= n;
	if (lab->left == 0)
		lab->w->stop = true;
	return (uint16_t)(nb + n);
}

static void open_port(struct lab *lab, uint16_t i)
{
	const struct ipc_start_port start = {.name = "port", .mtu = FRAME_MTU};
	struct rte_ring *rx = ring("rx", i, 64);
	struct port_config config = {
		.port = &start, .index = i, .nb_queues = 1, .pool = lab->dp.pool};
	char name[32], device[48], text[256];

	lab->tx_rings[i] = ring("tx", i, 2 * LAB_FRAMES_MAX);
	snprintf(name, sizeof(name), "bench%u", i);
	snprintf(device, sizeof(device), "net_ring_%s", name);
	config.device = device;
	if (rte_eth_from_rings(name, &rx, 1, &lab->tx_rings[i], 1, rte_socket_id()) < 0)
		die("no ring port");
	if (port_open(&lab->dp.ports[i], &config, text, sizeof(text)) != 0)
		die(text);
	frame_port_mac((uint8_t)i, lab->dp.ports[i].mac.addr_bytes);
	lab->feeds[i].lab = lab;
	lab->feeds[i].mbufs = calloc(LAB_FRAMES_MAX, sizeof(struct rte_mbuf *));
	if (lab->feeds[i].mbufs == NULL ||
		rte_eth_add_rx_callback(lab->dp.ports[i].id, 0, receive, &lab->feeds[i]) == NULL)
		die("no receive callback");
}

static void set_neighbours(struct lab *lab)
{
	const char *gateways[] = {FORWARD_GATEWAY4, FORWARD_GATEWAY6};
	struct rte_ether_addr mac;
	struct ip_addr ip;

	frame_peer_mac(FORWARD_OUTSIDE, mac.addr_bytes);
	for (unsigned int i = 0; i < RTE_DIM(gateways); i++) {
		ip_addr_parse(strv_from(gateways[i]), &ip);
		neighbour_set(lab->dp.neighbours, FORWARD_OUTSIDE, &ip, &mac);
	}
	frame_peer_mac(FORWARD_INSIDE, mac.addr_bytes);
	for (uint32_t i = 0; i < BACKENDS_MAX; i++) {
		ip = forward_address(FORWARD_BACKEND4, i);
		neighbour_set(lab->dp.neighbours, FORWARD_INSIDE, &ip, &mac);
		ip = forward_address(FORWARD_BACKEND6, i);
		neighbour_set(lab->dp.neighbours, FORWARD_INSIDE, &ip, &mac);
	}
}

void lab_start(struct lab *lab, unsigned int cpu)
{
	struct dataplane *dp = &lab->dp;
	char text[256];

	dataplane_init(dp);
	start_eal(lab, cpu);
	dp->start.nb_workers = 1;
	dp->start.idle = IPC_IDLE_POLL;
	dp->start.txn_entries = LAB_TXN_ENTRIES;
	dp->start.reassembly_timeout_ms = 2000;
	dp->start.reassembly_flows = REASSEMBLY_FLOWS;
	dp->start.reassembly_per_source = REASSEMBLY_FLOWS;
	dp->pool = rte_pktmbuf_pool_create("packets", 2 * LAB_FRAMES_MAX, WORKER_CACHE, 0,
		RTE_MBUF_DEFAULT_BUF_SIZE, (int)rte_socket_id());
	dp->large = rte_pktmbuf_pool_create("datagrams", REASSEMBLY_FLOWS + WORKER_CACHE, 32, 0,
		REASSEMBLER_DATA_ROOM, (int)rte_socket_id());
	lab->jumbo = rte_pktmbuf_pool_create(
		"jumbo", LAB_FRAMES_MAX / 4, 0, 0, JUMBO_ROOM, (int)rte_socket_id());
	if (dp->pool == NULL || dp->large == NULL || lab->jumbo == NULL)
		die("no memory for mbufs");
	lab->hugepages = rte_mem_virt2memseg(dp->pool, NULL)->hugepage_sz >= RTE_PGSIZE_2M;
	dp->nb_ports = FORWARD_PORTS;
	for (uint16_t i = 0; i < FORWARD_PORTS; i++)
		open_port(lab, i);
	if (dataplane_start_workers(dp, text, sizeof(text)) != 0)
		die(text);
	lab->w = &dp->workers[0];
	dp->clock.now_ms = 1000000;
	set_neighbours(lab);
}

void lab_stop(struct lab *lab)
{
	lab->dp.publisher.current = NULL; // the cases own what was published
	for (uint16_t i = 0; i < FORWARD_PORTS; i++)
		free(lab->feeds[i].mbufs);
	rte_mempool_free(lab->jumbo);
	dataplane_stop(&lab->dp);
	rte_eal_cleanup();
}

struct binding_table *lab_bind_users(struct lab *lab, const struct published *published)
{
	const uint32_t room = LAB_BINDINGS + LAB_BINDINGS / 4;
	const struct snapshot *snap = published->snap;
	struct binding_table *bindings = memory_map(binding_table_size(room));
	char user[16];

	if (bindings == NULL)
		die("no memory for bindings");
	binding_table_init(bindings, room, lab->w->key);
	for (uint32_t i = 0; i < LAB_BINDINGS; i++) {
		uint16_t backend = (uint16_t)(i % snap->backends.nb);
		int len = snprintf(user, sizeof(user), "u%u", i);
		uint64_t hash = binding_table_hash(
			bindings, (struct strv){user, (size_t)len}, STRV("example.com"));

		if (binding_table_set(
			    bindings, hash, snapshot_backend(snap, backend)->id, UINT32_MAX) != 0)
			die("a binding has no room");
	}
	return bindings;
}

static struct snapshot_route route(const char *prefix, uint8_t len, uint16_t port, const char *via)
{
	struct snapshot_route r = {.prefix_len = len, .port = port};

	ip_addr_parse(strv_from(prefix), &r.prefix);
	if (via != NULL)
		ip_addr_parse(strv_from(via), &r.gateway);
	return r;
}

static struct published *build(const struct snapshot_input *in)
{
	size_t size = snapshot_build_size(in);
	void *blob = size != 0 ? aligned_alloc(64, RTE_ALIGN_CEIL(size, 64)) : NULL;
	struct published *published;
	const char *why;

	if (blob == NULL)
		die("a snapshot is too large");
	memset(blob, 0, size);
	if (snapshot_build(in, blob, size) != 0)
		die("a snapshot cannot be built");
	published = published_from_blob(blob, size, NULL, &why);
	if (published == NULL)
		die(why);
	free(blob);
	return published;
}

struct published *lab_publish(const struct lab_service *service)
{
	static uint64_t generation;
	static struct snapshot_backend backends[BACKENDS_MAX];
	struct snapshot_service access = {.name = "access",
		.flags = service->flags,
		.nb_backends = service->nb_backends,
		.listener_v4 = 0,
		.listener_v6 = 1,
		.retry_after = 5};
	struct snapshot_listener listeners[2] = {
		{.port = SNAPSHOT_NONE, .local.port = FORWARD_SIP_PORT},
		{.port = SNAPSHOT_NONE, .local.port = FORWARD_SIP_PORT}};
	const struct snapshot_key key = {.id = 'a', .key = "the signing key!"};
	const struct snapshot_port ports[] = {
		{.name = "out", .mtu = FRAME_MTU}, {.name = "in", .mtu = FRAME_MTU}};
	const struct snapshot_route routes[] = {
		route("0.0.0.0", 0, FORWARD_OUTSIDE, FORWARD_GATEWAY4),
		route("10.20.0.0", 16, FORWARD_INSIDE, NULL),
		route("::", 0, FORWARD_OUTSIDE, FORWARD_GATEWAY6),
		route("2001:db8:20::", 64, FORWARD_INSIDE, NULL)};
	const struct snapshot_input in = {.generation = ++generation,
		.table_key = "key of the table",
		.keys = &key,
		.nb_keys = 1,
		.ports = ports,
		.nb_ports = 2,
		.listeners = listeners,
		.nb_listeners = 2,
		.services = &access,
		.nb_services = 1,
		.backends = backends,
		.nb_backends = service->nb_backends,
		.routes = routes,
		.nb_routes = RTE_DIM(routes)};

	ip_addr_parse(strv_from(FORWARD_VIP4), &listeners[0].local.ip);
	ip_addr_parse(strv_from(FORWARD_VIP6), &listeners[1].local.ip);
	for (uint16_t i = 0; i < service->nb_backends; i++) {
		struct snapshot_backend *b = &backends[i];

		*b = (struct snapshot_backend){.weight = 100, .counter = i};
		snprintf(b->name, sizeof(b->name), "b%04u", i);
		b->addr.ip = forward_address(service->v6 ? FORWARD_BACKEND6 : FORWARD_BACKEND4, i);
		b->addr.port = FORWARD_SIP_PORT;
	}
	return build(&in);
}

// Another order each time: what a processor learns of a sequence that it sees again and again, no
// worker ever meets. Fragments of a message stay together.
static void shuffle(uint32_t *order, const struct forward_set *set)
{
	static uint64_t state = 1;

	for (uint32_t i = 0; i < set->nb_frames; i++)
		order[i] = i;
	if (set->nb_frames != set->nb_messages)
		return;
	for (uint32_t i = set->nb_frames - 1; i > 0; i--) {
		uint32_t other, swap = order[i];

		state = state * 6364136223846793005 + 1442695040888963407;
		other = (uint32_t)((state >> 33) % (i + 1));
		order[i] = order[other];
		order[other] = swap;
	}
}

void lab_fill(struct lab *lab, const struct forward_set *set, bool cksum_good)
{
	static uint32_t order[LAB_FRAMES_MAX];
	uint64_t flags = cksum_good ? RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD : 0;

	for (uint16_t port = 0; port < FORWARD_PORTS; port++)
		lab->feeds[port].nb = lab->feeds[port].next = 0;
	shuffle(order, set);
	for (uint32_t i = 0; i < set->nb_frames; i++) {
		const struct forward_frame *f = &set->frames[order[i]];
		struct lab_feed *feed = &lab->feeds[f->port];
		struct rte_mbuf *m = rte_pktmbuf_alloc(
			f->len > FRAME_MTU + RTE_ETHER_HDR_LEN ? lab->jumbo : lab->dp.pool);

		if (m == NULL)
			die("no mbuf is left");
		memcpy(rte_pktmbuf_append(m, f->len), f->data, f->len);
		m->ol_flags = flags;
		feed->mbufs[feed->nb++] = m;
	}
	lab->nb = lab->left = set->nb_frames;
	lab->w->stop = false;
}

uint64_t lab_run(struct lab *lab)
{
	uint64_t start = rte_rdtsc_precise();

	lab->pace_start = start;
	worker_run(lab->w);
	return rte_rdtsc_precise() - start;
}

double lab_record_ns(struct lab *lab)
{
	const unsigned int nb = 100000;
	double least = 1e12;

	for (unsigned int round = 0; round < 20; round++) {
		uint64_t start = rte_rdtsc_precise(), cycles;

		lab->w->tsc = start;
		for (unsigned int i = 0; i < nb; i++)
			worker_record(lab->w, 1, rte_rdtsc());
		cycles = rte_rdtsc_precise() - start;
		least = RTE_MIN(least, (double)cycles * 1e9 / (double)rte_get_tsc_hz() / nb);
	}
	memset(lab->w->counters->latency, 0, sizeof(lab->w->counters->latency));
	return least;
}

uint64_t lab_run_macswap(struct lab *lab)
{
	uint64_t start = rte_rdtsc_precise();
	struct rte_mbuf *mbufs[BURST_MAX];

	while (!__atomic_load_n(&lab->w->stop, __ATOMIC_RELAXED)) {
		for (uint16_t port = 0; port < FORWARD_PORTS; port++) {
			uint16_t id = lab->dp.ports[port].id;
			uint16_t nb = rte_eth_rx_burst(id, 0, mbufs, BURST_MAX);

			for (uint16_t i = 0; i < nb; i++)
				rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void *));
			for (uint16_t i = 0; i < nb; i++) {
				struct rte_ether_hdr *ether =
					rte_pktmbuf_mtod(mbufs[i], struct rte_ether_hdr *);
				struct rte_ether_addr swap = ether->dst_addr;

				ether->dst_addr = ether->src_addr;
				ether->src_addr = swap;
			}
			rte_eth_tx_burst(id, 0, mbufs, nb);
		}
	}
	return rte_rdtsc_precise() - start;
}

const char *lab_stage_name(enum lab_stage stage)
{
	static const char *const names[LAB_COUNTED] = {"rx", "classify", "reassemble", "parse",
		"decide", "rewrite", "tx", "rx_take", "worker_record"};

	return names[stage];
}

// The stages below are compiled twice, for the clock and for the counter, so that neither asks
// which one it is.
static __rte_always_inline uint64_t now(bool counting)
{
	return counting ? steps_now() : rte_rdtsc();
}

// As many as the worker takes at a time.
struct frames {
	struct rte_mbuf **mbufs;
	uint16_t nb, port;
};

static __rte_always_inline void stages_of_frames(
	struct worker *w, struct frames in, uint64_t *spent, bool counting)
{
	uint16_t nb = in.nb;
	uint64_t at[LAB_STAGES + 1];

	at[LAB_RX] = now(counting);
	rx_take(w, in.mbufs, nb, in.port);
	at[LAB_CLASSIFY] = now(counting);
	nb = classify_burst(w, w->pkts, nb);
	at[LAB_REASSEMBLE] = now(counting);
	nb = reassemble_burst(w, w->pkts, nb);
	at[LAB_PARSE] = now(counting);
	nb = parse_burst(w, w->pkts, nb);
	at[LAB_DECIDE] = now(counting);
	nb = decide_burst(w, w->pkts, nb);
	at[LAB_REWRITE] = now(counting);
	nb = rewrite_burst(w, w->pkts, nb);
	at[LAB_TX] = now(counting);
	tx_burst(w, w->pkts, nb);
	at[LAB_STAGES] = now(counting);
	spent[counting ? LAB_RX_TAKE : LAB_RX] += at[LAB_CLASSIFY] - at[LAB_RX];
	for (int i = LAB_CLASSIFY; i < LAB_STAGES; i++)
		spent[i] += at[i + 1] - at[i];
}

static __rte_always_inline void stages_of_port(
	struct worker *w, uint16_t port, uint64_t *spent, bool counting)
{
	uint64_t start = now(counting);
	uint16_t nb = rx_burst(w, port);

	spent[LAB_RX] += now(counting) - start;
	for (uint16_t done = 0; done < nb; done += PKTS_MAX)
		stages_of_frames(w,
			(struct frames){
				w->received + done, RTE_MIN((uint16_t)(nb - done), PKTS_MAX), port},
			spent, counting);
	start = now(counting);
	tx_flush(w);
	spent[LAB_TX] += now(counting) - start;
	if (counting && nb > 0) {
		start = now(counting);
		worker_record(w, nb, rte_rdtsc());
		spent[LAB_RECORD] += now(counting) - start;
	}
}

static __rte_always_inline void stages_of_turn(struct worker *w, uint64_t *spent, bool counting)
{
	worker_begin_turn(w);
	for (uint16_t port = 0; port < FORWARD_PORTS; port++)
		stages_of_port(w, port, spent, counting);
	w->published = NULL;
}

void lab_run_stages(struct lab *lab, uint64_t cycles[LAB_STAGES])
{
	struct worker *w = lab->w;

	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED))
		stages_of_turn(w, cycles, false);
}

static void count_turn(struct worker *w, struct lab_counts *counts)
{
	steps_begin();
	worker_turn(w);
	counts->all += steps_end();
	counts->nb_all += w->nb_received;
}

static void count_stages(struct worker *w, struct lab_counts *counts)
{
	steps_begin();
	stages_of_turn(w, counts->stages, true);
	steps_end();
	counts->nb_stages += w->nb_received;
}

void lab_run_counted(struct lab *lab, struct lab_counts *counts)
{
	struct worker *w = lab->w;

	rte_rcu_qsbr_thread_online(w->qsbr, 0);
	for (unsigned int turn = 0; !__atomic_load_n(&w->stop, __ATOMIC_RELAXED); turn++) {
		if (turn % TURNS_PER_COUNT == 1)
			count_turn(w, counts);
		else if (turn % TURNS_PER_COUNT == 2)
			count_stages(w, counts);
		else
			worker_turn(w);
	}
	rte_rcu_qsbr_thread_offline(w->qsbr, 0);
}

uint64_t lab_run_watched(struct lab *lab, uint64_t learn)
{
	struct worker *w = lab->w;
	uint64_t nb = 0;

	rte_rcu_qsbr_thread_online(w->qsbr, 0);
	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
		if (nb >= learn)
			jumps_count();
		steps_begin();
		worker_turn(w);
		(void)steps_end();
		nb += w->nb_received;
	}
	rte_rcu_qsbr_thread_offline(w->qsbr, 0);
	return nb > learn ? nb - learn : 0;
}

uint32_t lab_sent(struct lab *lab, uint16_t port, struct rte_mbuf **mbufs, uint32_t max)
{
	return rte_ring_sc_dequeue_burst(lab->tx_rings[port], (void **)mbufs, max, NULL);
}

uint32_t lab_drain(struct lab *lab)
{
	uint32_t nb = 0;
	void *m;

	while (rte_ring_sc_dequeue(lab->w->to_twin, &m) == 0) {
		rte_pktmbuf_free(m);
		nb++;
	}
	return nb;
}

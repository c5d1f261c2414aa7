// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dataplane.h"

#include "dataplane/dispatch/binding_table.h"
#include "dataplane/dispatch/kernel.h"
#include "dataplane/dispatch/txn_cache.h"
#include "dataplane/hold.h"
#include "dataplane/log.h"
#include "dataplane/memory.h"
#include "dataplane/names.h"
#include "dataplane/next_hop.h"
#include "dataplane/rate.h"
#include "dataplane/reassembler.h"
#include "dataplane/resolve.h"
#include "parser/sip_kernel.h"

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_malloc.h>

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

LOG_TOPIC("dataplane");

#define RATE_SOURCES 65536 // per worker
#define PEER_RING 512
#define TWIN_RING 1024
// What a queue pair can hold (net_af_xdp fills rings of 2048 in both directions, and its fill ring
// once more), and what a worker does besides.
#define MBUFS_PER_QUEUE 6144
#define MBUFS_PER_WORKER 4096

void dataplane_init(struct dataplane *dp)
{
	memset(dp, 0, sizeof(*dp));
	dp->state = IPC_IDLE;
	dp->snapshot_fd = -1;
	dp->shm.fd = -1;
	for (unsigned int i = 0; i < IPC_PORTS_MAX; i++)
		dp->ports[i] = (struct port){.id = RTE_MAX_ETHPORTS, .twin_id = PORT_NO_TWIN};
}

static int create_pools(struct dataplane *dp)
{
	const struct ipc_start *start = &dp->start;
	uint32_t frame = RTE_MBUF_DEFAULT_DATAROOM, nb = start->nb_mbufs, nb_large;
	uint64_t memory = (uint64_t)start->memory_mb << 20;

	// A received frame has SIP_PAD readable octets behind it, or classify has to copy it.
	for (uint32_t i = 0; i < start->nb_ports; i++)
		frame = RTE_MAX(frame, start->ports[i].mtu + RTE_ETHER_HDR_LEN + SIP_PAD);
	frame = RTE_ALIGN_CEIL(frame + RTE_PKTMBUF_HEADROOM, RTE_CACHE_LINE_SIZE);
	if (nb == 0) {
		nb = (start->nb_ports * MBUFS_PER_QUEUE + MBUFS_PER_WORKER) * start->nb_workers;
		nb = (uint32_t)RTE_MIN(nb, memory / 2 / (frame + sizeof(struct rte_mbuf)));
	}
	nb_large = RTE_MAX(start->reassembly_flows, 64u) * start->nb_workers + WORKER_CACHE;
	nb_large = (uint32_t)RTE_MIN(nb_large, memory / 4 / REASSEMBLER_DATA_ROOM);

	dp->pool = rte_pktmbuf_pool_create(
		"packets", nb, WORKER_CACHE, 0, (uint16_t)frame, (int)rte_socket_id());
	dp->large = rte_pktmbuf_pool_create(
		"datagrams", nb_large, 32, 0, REASSEMBLER_DATA_ROOM, (int)rte_socket_id());
	return dp->pool == NULL || dp->large == NULL ? -ENOMEM : 0;
}

uint32_t dataplane_mbufs_in_use(const struct dataplane *dp)
{
	return rte_mempool_in_use_count(dp->pool) + rte_mempool_in_use_count(dp->large);
}

static struct rte_ring *create_ring(
	const char *name, unsigned int a, unsigned int b, unsigned int size)
{
	char full[RTE_RING_NAMESIZE];

	snprintf(full, sizeof(full), "%s_%u_%u", name, a, b);
	return rte_ring_create(full, size, (int)rte_socket_id(), RING_F_SP_ENQ | RING_F_SC_DEQ);
}

// Rings between workers, for fragments that the device gave to the wrong one.
static int connect_workers(struct dataplane *dp)
{
	for (uint16_t from = 0; from < dp->nb_workers; from++) {
		for (uint16_t to = 0; to < dp->nb_workers; to++) {
			struct rte_ring *ring;

			if (from == to)
				continue;
			ring = create_ring("peer", from, to, PEER_RING);
			if (ring == NULL)
				return -ENOMEM;
			dp->workers[from].to_peer[to] = ring;
			dp->workers[to].from_peer[from] = ring;
		}
	}
	return 0;
}

static int create_worker_tables(struct worker *w, const struct ipc_start *start)
{
	const struct reassembler_options reassembly = {
		.pool = w->large,
		.flows = RTE_MAX(start->reassembly_flows, 1u),
		.per_source = RTE_MAX(start->reassembly_per_source, 1u),
		.max_parts = start->reassembly_fragments,
		.timeout_ms = start->reassembly_timeout_ms,
		.socket = (int)rte_socket_id(),
	};
	struct reassembler_options options = reassembly;
	size_t size = txn_cache_size(start->txn_entries);
	void *txns;

	memcpy(options.key, w->key, sizeof(options.key));
	w->reassembler = reassembler_create(&options);
	w->rates = rate_table_create(RATE_SOURCES, w->key);
	w->holds = hold_queue_create();
	w->next_hops = next_hop_cache_create();
	w->resolves = resolve_queue_create();
	if (w->reassembler == NULL || w->rates == NULL || w->holds == NULL || w->resolves == NULL ||
		w->next_hops == NULL)
		return -ENOMEM;
	if (start->txn_entries == 0)
		return 0;
	txns = memory_map(size);
	if (txns == NULL)
		return -ENOMEM;
	w->txns = txn_cache_init(txns, start->txn_entries, w->key);
	w->txns_size = size;
	return 0;
}

static int create_worker(struct dataplane *dp, uint16_t index, const uint8_t key[16])
{
	struct worker *w = &dp->workers[index];

	w->index = index;
	w->nb_workers = dp->nb_workers;
	w->nb_ports = dp->nb_ports;
	w->idle = (uint8_t)dp->start.idle;
	w->tx_cksum = true;
	for (uint16_t i = 0; i < dp->nb_ports; i++)
		w->tx_cksum &= dp->ports[i].tx_ip_cksum && dp->ports[i].tx_udp_cksum;
	w->ports = dp->ports;
	w->publisher = &dp->publisher;
	w->clock = &dp->clock;
	w->neighbours = dp->neighbours;
	w->pmtus = &dp->pmtus;
	w->names = dp->names;
	w->bindings = dp->bindings;
	w->trace = &dp->trace;
	w->qsbr = dp->qsbr;
	w->pool = dp->pool;
	w->large = dp->large;
	w->counters = shm_worker(&dp->shm, index);
	w->events = shm_events(&dp->shm, index);
	w->traces = shm_traces(&dp->shm, index);
	// Far from each other: two datagrams in fragments must not share an id.
	w->ip_id = (uint16_t)((key[0] << 8 | key[1]) + 65536u / w->nb_workers * index);
	memcpy(w->key, key, sizeof(w->key));
	if (index == 0) {
		w->inject = shm_inject(&dp->shm);
		w->from_twin = create_ring("from_twin", index, 0, TWIN_RING);
		if (w->from_twin == NULL)
			return -ENOMEM;
	}
	w->to_twin = create_ring("to_twin", index, 0, TWIN_RING);
	if (w->to_twin == NULL)
		return -ENOMEM;
	if (rte_rcu_qsbr_thread_register(dp->qsbr, index) != 0)
		return -EINVAL;
	return create_worker_tables(w, &dp->start);
}

static void empty_ring(struct rte_ring *ring)
{
	void *m;

	if (ring == NULL)
		return;
	while (rte_ring_dequeue(ring, &m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(ring);
}

static void destroy_worker(struct worker *w)
{
	reassembler_destroy(w->reassembler);
	rate_table_destroy(w->rates);
	hold_queue_destroy(w->holds);
	resolve_queue_destroy(w->resolves);
	next_hop_cache_destroy(w->next_hops);
	memory_unmap(w->txns, w->txns_size);
	empty_ring(w->to_twin);
	empty_ring(w->from_twin);
	for (uint16_t i = 0; i < w->nb_workers; i++)
		empty_ring(w->to_peer[i]);
}

static int create_shared(struct dataplane *dp, const uint8_t key[16])
{
	size_t size = rte_rcu_qsbr_get_memsize(dp->nb_workers);
	int ret = shm_create(&dp->shm, dp->nb_workers, dp->nb_ports);

	if (ret != 0)
		return ret;
	dp->shm.head->tsc_hz = rte_get_tsc_hz();
	dp->neighbours = neighbour_table_create();
	dp->names = name_table_create(key);
	dp->qsbr = rte_zmalloc("qsbr", size, RTE_CACHE_LINE_SIZE);
	dp->workers =
		rte_zmalloc("workers", dp->nb_workers * sizeof(*dp->workers), RTE_CACHE_LINE_SIZE);
	if (dp->neighbours == NULL || dp->names == NULL || dp->qsbr == NULL ||
		dp->workers == NULL || rte_rcu_qsbr_init(dp->qsbr, dp->nb_workers) != 0)
		return -ENOMEM;
	dp->publisher.qsbr = dp->qsbr;
	if (dp->start.bindings_max == 0)
		return 0;
	dp->bindings_size = binding_table_size(dp->start.bindings_max);
	dp->bindings = memory_map(dp->bindings_size);
	if (dp->bindings == NULL)
		return -ENOMEM;
	binding_table_init(dp->bindings, dp->start.bindings_max, key);
	return 0;
}

int dataplane_start_workers(struct dataplane *dp, char *text, size_t len)
{
	uint8_t key[16];
	int ret;

	dp->nb_workers = dp->start.nb_workers;
	if (getrandom(key, sizeof(key), 0) != sizeof(key)) {
		snprintf(text, len, "no random numbers");
		return -EIO;
	}
	ret = create_shared(dp, key);
	for (uint16_t i = 0; ret == 0 && i < dp->nb_workers; i++)
		ret = create_worker(dp, i, key);
	if (ret == 0)
		ret = connect_workers(dp);
	if (ret != 0)
		snprintf(text, len, "tables of the workers: %s", rte_strerror(-ret));
	return ret;
}

static int open_ports(struct dataplane *dp, char *text, size_t len)
{
	for (uint16_t i = 0; i < dp->start.nb_ports; i++) {
		const struct port_config config = {
			.port = &dp->start.ports[i],
			.device = dp->devices.names[i],
			.index = i,
			.nb_queues = dp->start.nb_workers,
			.pool = dp->pool,
		};
		int ret = port_open(&dp->ports[i], &config, text, len);

		if (ret != 0)
			return ret;
		dp->nb_ports++;
	}
	return 0;
}

static int launch(struct dataplane *dp, char *text, size_t len)
{
	for (uint16_t i = 0; i < dp->nb_workers; i++) {
		int ret = rte_eal_remote_launch(worker_run, &dp->workers[i], i + 1u);

		if (ret != 0) {
			snprintf(text, len, "launch of worker %u: %s", i, rte_strerror(-ret));
			return ret;
		}
		dp->launched = true;
	}
	return 0;
}

int dataplane_start(struct dataplane *dp, struct ipc_start *start, char *text, size_t len)
{
	int ret = eal_check_start(start, text, len);

	// Nothing has been touched: control may try again with something better.
	if (ret != 0)
		return ret;
	dp->start = *start;
	ret = eal_start(&dp->start, &dp->devices, text, len);
	if (ret != 0)
		goto failed;
	ret = create_pools(dp);
	if (ret != 0) {
		snprintf(text, len, "packet memory: %u MB are not enough", start->memory_mb);
		goto failed;
	}
	ret = open_ports(dp, text, len);
	if (ret == 0)
		ret = dataplane_start_workers(dp, text, len);
	if (ret == 0)
		ret = launch(dp, text, len);
	if (ret != 0)
		goto failed;
	dp->state = IPC_RUNNING;
	LOG(NOTICE, "%u workers on %u ports, %u mbufs; parser for %s, dispatch for %s",
		dp->nb_workers, dp->nb_ports, dp->pool->size, sip_kernel_name(),
		dispatch_kernel_name());
	return 0;

failed:
	LOG(ERR, "%s", text);
	dataplane_stop(dp);
	dp->state = IPC_FAILED;
	snprintf(dp->error, sizeof(dp->error), "%s", text);
	return ret;
}

void dataplane_stop(struct dataplane *dp)
{
	for (uint16_t i = 0; dp->workers != NULL && i < dp->nb_workers; i++)
		__atomic_store_n(&dp->workers[i].stop, true, __ATOMIC_RELAXED);
	if (dp->launched)
		rte_eal_mp_wait_lcore();
	dp->launched = false;
	publisher_fini(&dp->publisher);
	for (uint16_t i = 0; dp->workers != NULL && i < dp->nb_workers; i++)
		destroy_worker(&dp->workers[i]);
	for (unsigned int i = 0; i < IPC_PORTS_MAX; i++)
		port_close(&dp->ports[i]);
	neighbour_table_destroy(dp->neighbours);
	name_table_destroy(dp->names);
	memory_unmap(dp->bindings, dp->bindings_size);
	rte_free(dp->workers);
	rte_free(dp->qsbr);
	rte_mempool_free(dp->pool);
	rte_mempool_free(dp->large);
	shm_destroy(&dp->shm);
	if (dp->snapshot_fd >= 0)
		close(dp->snapshot_fd);
	dataplane_init(dp);
}

int dataplane_publish(
	struct dataplane *dp, int fd, const struct ipc_snapshot *msg, const char **why)
{
	struct published *published = published_create(fd, msg, dp->nb_ports, why);

	if (published == NULL)
		return -errno;
	publisher_swap(&dp->publisher, published);
	if (dp->snapshot_fd >= 0)
		close(dp->snapshot_fd);
	dp->snapshot_fd = fd;
	dp->shm.head->generation = msg->generation;
	LOG(INFO, "snapshot %lu: %u services, %u backends, %u listeners", msg->generation,
		published->snap->services.nb, published->snap->backends.nb,
		published->snap->listeners.nb);
	return 0;
}

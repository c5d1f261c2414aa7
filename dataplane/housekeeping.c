// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/housekeeping.h"

#include "dataplane/dispatch/binding_table.h"
#include "dataplane/hold.h"
#include "dataplane/log.h"
#include "dataplane/twin.h"

#include <time.h>

LOG_TOPIC("housekeeping");

#define IDLE_MS 200 // before the start, only the socket matters
#define TICK_NS 1000000 // the clock of the workers has this grain
#define BUSY_TICK_NS 50000 // while frames flow between ports and twins
#define BUSY_TURNS 200 // ... and for so many turns after the last one
#define SWEEP_SLOTS 256 // of the binding table, per turn

static uint64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void count_port(struct session *session, uint16_t index)
{
	struct dataplane *dp = session->dp;
	struct ipc_port_counters *counters = &shm_ports(&dp->shm)[index];
	struct port *port = &dp->ports[index];
	struct rte_eth_stats stats;
	struct rte_eth_link link;

	if (rte_eth_stats_get(port->id, &stats) == 0) {
		counters->rx_packets = stats.ipackets;
		counters->rx_octets = stats.ibytes;
		counters->tx_packets = stats.opackets;
		counters->tx_octets = stats.obytes;
		counters->rx_missed = stats.imissed;
		counters->rx_errors = stats.ierrors;
		counters->tx_errors = stats.oerrors;
		counters->rx_no_mbuf = stats.rx_nombuf;
	}
	if (rte_eth_link_get_nowait(port->id, &link) != 0)
		return;
	counters->link_up = link.link_status;
	if (port->link_up != link.link_status) {
		port->link_up = link.link_status;
		LOG(NOTICE, "%s: link is %s", port->name, port->link_up ? "up" : "down");
		session_port(session, index, port->link_up);
	}
}

static void every_second(struct session *session)
{
	struct dataplane *dp = session->dp;
	struct ipc_shm *shm = dp->shm.head;
	uint64_t held = 0;

	for (uint16_t i = 0; i < dp->nb_ports; i++)
		count_port(session, i);
	for (uint16_t i = 0; i < dp->nb_workers; i++)
		held += hold_count(dp->workers[i].holds);
	shm->held_packets = held;
	shm->mbufs_total = (uint64_t)dp->pool->size + dp->large->size;
	shm->mbufs_in_use = dataplane_mbufs_in_use(dp);
	if (dp->bindings != NULL)
		shm->bindings = binding_table_count(dp->bindings);
}

// Returns whether frames moved.
static bool turn(struct session *session)
{
	struct dataplane *dp = session->dp;
	uint64_t now_ms = monotonic_ms();

	__atomic_store_n(&dp->clock.now_ms, now_ms, __ATOMIC_RELAXED);
	session_reclaimed(session);
	if (dp->bindings != NULL)
		binding_table_sweep(dp->bindings, (uint32_t)(now_ms / 1000), SWEEP_SLOTS);
	if (now_ms / 1000 != dp->second) {
		dp->second = now_ms / 1000;
		every_second(session);
	}
	return twin_exchange(dp->workers, dp->nb_workers) > 0;
}

void housekeeping_run(struct session *session, const volatile int *stop)
{
	unsigned int busy = 0;

	while (!*stop) {
		struct timespec timeout = {.tv_nsec = busy > 0 ? BUSY_TICK_NS : TICK_NS};
		struct pollfd fds[2];
		unsigned int nb = ipc_server_poll_fds(session->server, fds);

		if (session->dp->state != IPC_RUNNING)
			timeout.tv_nsec = IDLE_MS * 1000000L;
		if (ppoll(fds, nb, &timeout, NULL) > 0)
			session_poll(session, fds);
		if (session->dp->state != IPC_RUNNING)
			continue;
		if (turn(session))
			busy = BUSY_TURNS;
		else if (busy > 0)
			busy--;
	}
}

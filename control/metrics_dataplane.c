// SPDX-License-Identifier: BSD-3-Clause
#include "control/metrics_page.h"

#include "control/metrics_text.h"

#include <event2/buffer.h>

#include <stdio.h>

// Counters have one writer each and are read without a lock: a page is not a moment in time, but no
// counter in it ever goes back.

#define WORKER_NAME_MAX 12

static const double burst_bounds[IPC_BURST_SLOTS - 1] = {1, 3, 7, 15, 31, 63, 127};
static const double latency_bounds[] = {
	1e-6, 2e-6, 5e-6, 10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3};

#define NB_LATENCY (sizeof(latency_bounds) / sizeof(latency_bounds[0]))

static uint64_t load(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

// Series are there before the dataplane is.
static uint32_t nb_workers(const struct control *control)
{
	return control->dataplane.shm != NULL ? control->dataplane.nb_workers
					      : control->boot->dataplane.nb_workers;
}

static uint64_t worker_counter(const struct control *control, uint32_t worker, size_t offset)
{
	const struct ipc_worker_counters *counters = control_worker_counters(control, worker);

	return counters != NULL ? load((const uint64_t *)((const char *)counters + offset)) : 0;
}

static uint64_t sum_workers(const struct control *control, size_t offset)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < control->dataplane.nb_workers; i++)
		sum += worker_counter(control, i, offset);
	return sum;
}

// ---- Workers -----------------------------------------------------------------------------------

static const struct {
	const char *name, *help;
	size_t offset;
} worker_counters[] = {
#define WORKER(name, help, field)                                       \
	{                                                               \
		name, help, offsetof(struct ipc_worker_counters, field) \
	}
	WORKER("worker_turns_total", "Turns of the poll loop.", turns),
	WORKER("worker_busy_cycles_total", "Cycles spent on non-empty polls.", busy_cycles),
	WORKER("worker_idle_cycles_total", "Cycles spent on empty polls.", idle_cycles),
	WORKER("worker_receive_packets_total", "Packets received by the worker.", rx_packets),
	WORKER("worker_transmit_packets_total",
		"Packets sent by the worker, those of the kernel not included.", tx_packets),
	WORKER("worker_events_lost_total", "Events for control lost because a ring was full.",
		events_lost),
	WORKER("worker_traces_lost_total", "Trace copies lost because a ring was full.",
		traces_lost),
};

static void write_workers(const struct control *control, struct evbuffer *out)
{
	char name[WORKER_NAME_MAX];

	for (size_t i = 0; i < sizeof(worker_counters) / sizeof(worker_counters[0]); i++) {
		metrics_text_family(
			out, worker_counters[i].name, "counter", worker_counters[i].help);
		for (uint32_t w = 0; w < nb_workers(control); w++) {
			snprintf(name, sizeof(name), "%u", w);
			metrics_text_count(out, worker_counters[i].name,
				METRICS_LABELS("worker", name),
				worker_counter(control, w, worker_counters[i].offset));
		}
	}
	metrics_text_family(out, "worker_rx_burst_packets", "histogram",
		"Packets per non-empty receive burst.");
	for (uint32_t w = 0; w < nb_workers(control); w++) {
		uint64_t counts[IPC_BURST_SLOTS];
		struct metrics_histogram burst = {burst_bounds, counts, IPC_BURST_SLOTS - 1, 0};

		for (uint32_t k = 0; k < IPC_BURST_SLOTS; k++)
			counts[k] = worker_counter(control, w,
				offsetof(struct ipc_worker_counters, burst) + k * sizeof(uint64_t));
		burst.sum = (double)worker_counter(
			control, w, offsetof(struct ipc_worker_counters, rx_packets));
		snprintf(name, sizeof(name), "%u", w);
		metrics_text_histogram(
			out, "worker_rx_burst_packets", METRICS_LABELS("worker", name), &burst);
	}
}

// ---- Ports -------------------------------------------------------------------------------------

static uint64_t port_counter(const struct control *control, uint32_t port, size_t offset)
{
	const struct ipc_port_counters *counters = control_port_counters(control, port);

	return counters != NULL ? load((const uint64_t *)((const char *)counters + offset)) : 0;
}

static const struct {
	const char *name, *type, *help;
	size_t offset;
} port_counters[] = {
#define PORT(name, type, help, field)                                       \
	{                                                                   \
		name, type, help, offsetof(struct ipc_port_counters, field) \
	}
	PORT("port_receive_packets_total", "counter", "Packets received.", rx_packets),
	PORT("port_receive_bytes_total", "counter", "Bytes received.", rx_octets),
	PORT("port_transmit_packets_total", "counter", "Packets sent.", tx_packets),
	PORT("port_transmit_bytes_total", "counter", "Bytes sent.", tx_octets),
	PORT("port_link_up", "gauge", "1 when the link is up.", link_up),
};

static const struct {
	const char *reason;
	size_t offset;
} port_drops[] = {
	{"missed", offsetof(struct ipc_port_counters, rx_missed)},
	{"receive-error", offsetof(struct ipc_port_counters, rx_errors)},
	{"transmit-error", offsetof(struct ipc_port_counters, tx_errors)},
	{"no-buffer", offsetof(struct ipc_port_counters, rx_no_mbuf)},
};

static void write_ports(const struct control *control, struct evbuffer *out)
{
	const struct config_dataplane *config = &control->boot->dataplane;

	for (size_t i = 0; i < sizeof(port_counters) / sizeof(port_counters[0]); i++) {
		metrics_text_family(
			out, port_counters[i].name, port_counters[i].type, port_counters[i].help);
		for (uint32_t p = 0; p < config->nb_ports; p++)
			metrics_text_count(out, port_counters[i].name,
				METRICS_LABELS("port", config->ports[p].name),
				port_counter(control, p, port_counters[i].offset));
	}
	metrics_text_family(
		out, "port_drops_total", "counter", "Packets lost at the port by reason.");
	for (uint32_t p = 0; p < config->nb_ports; p++)
		for (size_t i = 0; i < sizeof(port_drops) / sizeof(port_drops[0]); i++)
			metrics_text_count(out, "port_drops_total",
				METRICS_LABELS("port", config->ports[p].name, "reason",
					port_drops[i].reason),
				port_counter(control, p, port_drops[i].offset));
}

// ---- The rest ----------------------------------------------------------------------------------

// A log-linear slot goes into the first bucket that its largest latency fits in.
static void write_latency(const struct control *control, struct evbuffer *out)
{
	uint64_t hz = control->dataplane.shm != NULL ? control->dataplane.shm->tsc_hz : 0;
	uint64_t counts[NB_LATENCY + 1] = {0};
	struct metrics_histogram latency = {latency_bounds, counts, NB_LATENCY, 0};
	size_t bucket = 0;

	for (uint32_t slot = 0; hz > 0 && slot < IPC_LATENCY_SLOTS; slot++) {
		double longest = slot + 1 < IPC_LATENCY_SLOTS
			? (double)ipc_latency_floor(slot + 1) / (double)hz
			: 1e9;

		while (bucket < NB_LATENCY && longest > latency_bounds[bucket])
			bucket++;
		counts[bucket] += sum_workers(control,
			offsetof(struct ipc_worker_counters, latency) + slot * sizeof(uint64_t));
	}
	if (hz > 0)
		latency.sum = (double)sum_workers(control,
				      offsetof(struct ipc_worker_counters, latency_cycles)) /
			(double)hz;
	metrics_text_family(out, "forward_duration_seconds", "histogram",
		"Time from receive burst to transmit.");
	metrics_text_histogram(out, "forward_duration_seconds", METRICS_NO_LABELS, &latency);
}

static const struct {
	const char *name, *help;
	const char *label; // NULL: none
	const char *value;
	size_t offset;
} totals[] = {
#define TOTAL(name, help, label, value, field)                                        \
	{                                                                             \
		name, help, label, value, offsetof(struct ipc_worker_counters, field) \
	}
	TOTAL("ip_fragments_total", "IP fragments received.", NULL, NULL, fragments),
	TOTAL("ip_reassembly_total", "Datagrams in fragments by result.", "result", "complete",
		reassembled),
	TOTAL("ip_reassembly_total", NULL, "result", "expired", reassembly_expired),
	TOTAL("ip_reassembly_total", NULL, "result", "evicted", reassembly_evicted),
	TOTAL("ip_fragments_passed_total",
		"IP fragments that came to another worker than their datagram's.", NULL, NULL,
		fragments_passed),
	TOTAL("ip_fragmented_total", "Datagrams that were sent in fragments.", NULL, NULL,
		fragmented),
	TOTAL("exception_packets_total", "Packets to and from the kernel twins.", "direction",
		"to-kernel", to_twin),
	TOTAL("exception_packets_total", NULL, "direction", "from-kernel", from_twin),
	TOTAL("exception_packets_lost_total", "Packets lost between a port and its kernel twin.",
		"direction", "to-kernel", to_twin_lost),
	TOTAL("exception_packets_lost_total", NULL, "direction", "from-kernel", from_twin_lost),
	TOTAL("exception_fragmented_total",
		"Reassembled datagrams that were cut again for the kernel.", NULL, NULL,
		twin_fragmented),
	TOTAL("keepalives_total", "Keep-alives answered.", NULL, NULL, keepalives),
	TOTAL("injected_total", "Messages from control that were sent.", NULL, NULL, injected),
	TOTAL("transaction_lookups_total", "Lookups in the transaction caches by result.", "result",
		"hit", txn_hits),
	TOTAL("transaction_lookups_total", NULL, "result", "miss", txn_misses),
	TOTAL("transaction_full_total", "Transactions not kept because their line was full.", NULL,
		NULL, txn_full),
	TOTAL("icmp_events_limited_total",
		"ICMP errors about backends that were over the limit per second.", NULL, NULL,
		icmp_limited),
};

static void write_totals(const struct control *control, struct evbuffer *out)
{
	for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
		uint64_t value = sum_workers(control, totals[i].offset);

		if (totals[i].help != NULL)
			metrics_text_family(out, totals[i].name, "counter", totals[i].help);
		metrics_text_count(out, totals[i].name,
			METRICS_LABELS(totals[i].label, totals[i].value), value);
	}
}

void metrics_page_dataplane(const struct control *control, struct evbuffer *out)
{
	const struct ipc_shm *shm = control->dataplane.shm;
	uint64_t total = shm != NULL ? load(&shm->mbufs_total) : 0;
	uint64_t used = shm != NULL ? load(&shm->mbufs_in_use) : 0;

	write_workers(control, out);
	write_ports(control, out);
	metrics_text_family(out, "mbufs", "gauge", "Packet buffers by state.");
	metrics_text_count(out, "mbufs", METRICS_LABELS("state", "used"), used);
	metrics_text_count(
		out, "mbufs", METRICS_LABELS("state", "free"), total > used ? total - used : 0);
	metrics_text_family(out, "bindings", "gauge", "Entries of the data plane's binding table.");
	metrics_text_count(
		out, "bindings", METRICS_NO_LABELS, shm != NULL ? load(&shm->bindings) : 0);
	metrics_text_family(out, "held_packets", "gauge", "Packets waiting for a neighbour.");
	metrics_text_count(
		out, "held_packets", METRICS_NO_LABELS, shm != NULL ? load(&shm->held_packets) : 0);
	write_totals(control, out);
	write_latency(control, out);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "control/ipc_start.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <sched.h>
#include <stdio.h>
#include <string.h>

// Some 32 s of transactions at 8,000 a second; 4 MB a worker.
#define TXN_ENTRIES (UINT32_C(1) << 18)

static bool is_worker(const struct config_dataplane *dataplane, int cpu)
{
	for (uint32_t i = 0; i < dataplane->nb_workers; i++) {
		if (dataplane->workers[i] == cpu)
			return true;
	}
	return false;
}

// Where housekeeping runs: as configured, else on the first CPU of ours that has no worker.
static uint16_t main_cpu(const struct config_dataplane *dataplane)
{
	cpu_set_t cpus;

	if (dataplane->nb_control_cpus > 0)
		return dataplane->control_cpus[0];
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0) {
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
			if (CPU_ISSET(cpu, &cpus) && !is_worker(dataplane, cpu))
				return (uint16_t)cpu;
		}
	}
	return 0;
}

static uint32_t hugepages(enum config_auto configured)
{
	switch (configured) {
	case CONFIG_ON:
		return IPC_HUGEPAGES_ON;
	case CONFIG_OFF:
		return IPC_HUGEPAGES_OFF;
	case CONFIG_AUTO:
		break;
	}
	return IPC_HUGEPAGES_AUTO;
}

void ipc_start_make(const struct config *config, struct ipc_start *start)
{
	const struct config_dataplane *dataplane = &config->dataplane;

	// Padding is part of the digest.
	memset(start, 0, sizeof(*start));
	for (uint32_t i = 0; i < dataplane->nb_workers && i < IPC_WORKERS_MAX; i++)
		start->worker_cpus[start->nb_workers++] = dataplane->workers[i];
	start->main_cpu = main_cpu(dataplane);
	start->memory_mb = (uint32_t)(dataplane->memory_bytes >> 20);
	start->hugepages = hugepages(dataplane->hugepages);
	start->idle = dataplane->idle == CONFIG_IDLE_PAUSE ? IPC_IDLE_PAUSE : IPC_IDLE_POLL;
	start->txn_entries = TXN_ENTRIES;
	start->bindings_max = config->registrations.max;
	start->reassembly_timeout_ms = (uint32_t)dataplane->reassembly.timeout_ms;
	start->reassembly_flows = dataplane->reassembly.flows;
	start->reassembly_per_source = dataplane->reassembly.per_source;
	start->reassembly_fragments = dataplane->reassembly.max_fragments;
	snprintf(start->file_prefix, sizeof(start->file_prefix), "%s", dataplane->file_prefix);
	for (uint32_t i = 0; i < dataplane->nb_ports && i < IPC_PORTS_MAX; i++) {
		const struct config_port *from = &dataplane->ports[i];
		struct ipc_start_port *to = &start->ports[start->nb_ports++];

		snprintf(to->name, sizeof(to->name), "%s", from->name);
		snprintf(to->device, sizeof(to->device), "%s", from->device);
		if (dataplane->exception_path == CONFIG_EXCEPTION_TAP)
			snprintf(to->twin, sizeof(to->twin), "%s", from->twin);
		to->mtu = from->mtu;
	}
	start->digest = XXH64(start, sizeof(*start), 0);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "control/control.h"

#include <string.h>

const double probe_rtt_bounds[PROBE_RTT_SLOTS - 1] = {
	0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256};

const struct ipc_worker_counters *control_worker_counters(
	const struct control *control, uint32_t worker)
{
	const struct ipc_shm *shm = control->dataplane.shm;

	if (shm == NULL || worker >= control->dataplane.nb_workers)
		return NULL;
	return (const struct ipc_worker_counters *)((const char *)shm + shm->workers_off +
		worker * shm->workers_stride);
}

const struct ipc_port_counters *control_port_counters(const struct control *control, uint32_t port)
{
	const struct ipc_shm *shm = control->dataplane.shm;

	if (shm == NULL || port >= control->dataplane.nb_ports)
		return NULL;
	return (const struct ipc_port_counters *)((const char *)shm + shm->ports_off) + port;
}

// Add nb counters that another process is writing.
static void add(uint64_t *sum, const uint64_t *from, size_t nb)
{
	for (size_t i = 0; i < nb; i++)
		sum[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

void control_service_counters(const struct control *control, const struct service *service,
	struct ipc_service_counters *sum)
{
	*sum = (struct ipc_service_counters){0};
	if (service->counter >= IPC_SERVICE_SLOTS)
		return;
	for (uint32_t i = 0; i < control->dataplane.nb_workers; i++) {
		const struct ipc_worker_counters *worker = control_worker_counters(control, i);

		if (worker != NULL)
			add((uint64_t *)sum, (const uint64_t *)&worker->services[service->counter],
				sizeof(*sum) / sizeof(uint64_t));
	}
}

void control_backend_counters(const struct control *control, const struct backend *backend,
	struct ipc_backend_counters *sum)
{
	*sum = (struct ipc_backend_counters){0};
	if (backend->counter >= IPC_BACKEND_SLOTS)
		return;
	for (uint32_t i = 0; i < control->dataplane.nb_workers; i++) {
		const struct ipc_worker_counters *worker = control_worker_counters(control, i);

		if (worker != NULL)
			add((uint64_t *)sum, (const uint64_t *)&worker->backends[backend->counter],
				sizeof(*sum) / sizeof(uint64_t));
	}
}

double control_backend_share(const struct control *control, const struct backend *backend)
{
	return control->dataplane.snapshot == NULL ? 0 : backend->share;
}

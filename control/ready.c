// SPDX-License-Identifier: BSD-3-Clause
#include "control/ready.h"

#include "control/bits.h"

#include <stdarg.h>
#include <stdio.h>

#define LOOK_MS 100 // a worker turns thousands of times in this

// When each worker was last seen to have turned.
static struct {
	int64_t looked_ms;
	uint64_t turns[IPC_WORKERS_MAX];
	bool alive[IPC_WORKERS_MAX];
} seen;

uint32_t ready_workers_alive(const struct control *control)
{
	int64_t now = control_now_ms();
	bool look = now - seen.looked_ms >= LOOK_MS;
	uint32_t nb = 0;

	for (uint32_t i = 0; i < control->dataplane.nb_workers; i++) {
		const struct ipc_worker_counters *worker = control_worker_counters(control, i);

		if (look) {
			uint64_t turns = __atomic_load_n(&worker->turns, __ATOMIC_RELAXED);

			seen.alive[i] = turns != seen.turns[i];
			seen.turns[i] = turns;
		}
		nb += seen.alive[i];
	}
	if (look)
		seen.looked_ms = now;
	return nb;
}

static void __attribute__((format(printf, 2, 3)))
missing(struct ready *ready, const char *format, ...)
{
	va_list args;

	ready->ok = false;
	if (ready->nb_reasons == READY_REASONS_MAX)
		return;
	va_start(args, format);
	vsnprintf(ready->reasons[ready->nb_reasons++], READY_TEXT_MAX, format, args);
	va_end(args);
}

static void check_service(const struct service *service, struct ready *ready)
{
	if (service->index == SNAPSHOT_NONE)
		missing(ready, "service %s is not published yet", service->name);
	else if (bits_nb_usable(service) == 0)
		missing(ready, "service %s has no usable backend", service->name);
}

void ready_check(const struct control *control, const struct service *service, struct ready *ready)
{
	const struct dataplane *dataplane = &control->dataplane;
	uint32_t alive = ready_workers_alive(control);

	*ready = (struct ready){.ok = true};
	if (dataplane->failed[0] != '\0')
		missing(ready, "the dataplane did not start: %.100s", dataplane->failed);
	if (dataplane->link != LINK_RUNNING) {
		missing(ready, "the link to the dataplane is %s",
			dataplane_link_name(dataplane->link));
		return;
	}
	if (dataplane->snapshot == NULL)
		missing(ready, "no snapshot is published");
	if (alive < dataplane->nb_workers)
		missing(ready, "%u of %u workers do not move", dataplane->nb_workers - alive,
			dataplane->nb_workers);
	if (service != NULL) {
		check_service(service, ready);
		return;
	}
	for (uint32_t i = 0; i < control->nb_services; i++)
		check_service(control->services[i], ready);
}

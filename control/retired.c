// SPDX-License-Identifier: BSD-3-Clause
#include "control/retired.h"

#include "control/log.h"
#include "control/slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

LOG_TOPIC("control");

static struct retired *find(const struct service *service, const char *name)
{
	for (uint32_t i = 0; i < service->nb_retired; i++) {
		if (strcmp(service->retired[i].name, name) == 0)
			return &service->retired[i];
	}
	return NULL;
}

// Room for one more; NULL when there is none.
static struct retired *append(struct service *service)
{
	if (service->nb_retired == RETIRED_MAX)
		return NULL;
	if (service->retired == NULL) {
		service->retired = calloc(RETIRED_MAX, sizeof(*service->retired));
		if (service->retired == NULL)
			return NULL;
	}
	return &service->retired[service->nb_retired++];
}

bool retired_add(struct service *service, const struct backend *backend)
{
	struct retired *retired;

	// Whoever put it into maint said that nothing shall go there, and what is down takes
	// nothing.
	if (backend->admin == CONFIG_STATE_MAINT || backend->health.state == HEALTH_DOWN ||
		backend->index == SNAPSHOT_NONE)
		return false;
	retired = append(service);
	if (retired == NULL)
		return false;
	*retired = (struct retired){
		.addr = backend->addr,
		.id = backend->id,
		.counter = backend->counter,
		.active_ms = control_now_ms(),
	};
	memcpy(retired->name, backend->name, sizeof(retired->name));
	LOG(NOTICE, "%s/%s left the configuration: no new calls, its own stay until it is idle",
		service->name, backend->name);
	return true;
}

void retired_inherit(struct control *control, struct service *service, struct service *old)
{
	for (uint32_t i = 0; i < old->nb_retired; i++) {
		struct retired *to;

		// A backend of the same name is back, with the same id and the same slot.
		if (service_find_backend(service, old->retired[i].name) != NULL)
			continue;
		to = append(service);
		if (to != NULL)
			*to = old->retired[i];
		else
			slots_release(control->backend_slots, old->retired[i].counter);
	}
	free(old->retired);
	old->retired = NULL;
	old->nb_retired = 0;
}

void retired_adopt(struct control *control, const struct snapshot *snapshot)
{
	for (uint16_t i = 0; i < snapshot->backends.nb; i++) {
		const struct snapshot_backend *backend = snapshot_backend(snapshot, i);
		const struct snapshot_service *entry = snapshot_service(snapshot, backend->service);
		struct service *service = control_find_service(control, entry->name);
		struct retired *retired;

		if (service == NULL || service_find_backend(service, backend->name) != NULL ||
			find(service, backend->name) != NULL)
			continue;
		retired = append(service);
		if (retired == NULL)
			continue;
		*retired = (struct retired){
			.addr = backend->addr,
			.id = backend->id,
			.counter = backend->counter,
			.active_ms = control_now_ms(),
		};
		snprintf(retired->name, sizeof(retired->name), "%s", backend->name);
	}
}

static uint64_t requests_of(const struct control *control, const struct retired *retired)
{
	const struct backend backend = {.counter = retired->counter};
	struct ipc_backend_counters counters;

	control_backend_counters(control, &backend, &counters);
	return counters.requests;
}

static uint32_t sweep_service(struct control *control, struct service *service, int64_t now_ms)
{
	uint32_t nb_kept = 0, nb = service->nb_retired;

	for (uint32_t i = 0; i < nb; i++) {
		struct retired *retired = &service->retired[i];
		uint64_t requests = requests_of(control, retired);

		if (requests != retired->requests) {
			retired->requests = requests;
			retired->active_ms = now_ms;
		}
		if (now_ms - retired->active_ms < RETIRED_IDLE_MS) {
			service->retired[nb_kept++] = *retired;
			continue;
		}
		LOG(NOTICE, "%s/%s is idle and gone", service->name, retired->name);
		slots_release(control->backend_slots, retired->counter);
	}
	service->nb_retired = nb_kept;
	return nb - nb_kept;
}

uint32_t retired_sweep(struct control *control, int64_t now_ms)
{
	uint32_t nb_gone = 0;

	for (uint32_t i = 0; i < control->nb_services; i++)
		nb_gone += sweep_service(control, control->services[i], now_ms);
	return nb_gone;
}

void retired_fini(struct control *control, struct service *service)
{
	for (uint32_t i = 0; i < service->nb_retired; i++)
		slots_release(control->backend_slots, service->retired[i].counter);
	free(service->retired);
	service->retired = NULL;
	service->nb_retired = 0;
}

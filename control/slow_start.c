// SPDX-License-Identifier: BSD-3-Clause
#include "control/slow_start.h"

static uint16_t weight_at(uint16_t weight, uint64_t step)
{
	uint64_t part = (uint64_t)weight * step / SLOW_START_STEPS;

	return part == 0 ? 1 : (uint16_t)part;
}

void slow_start_begin(struct backend *backend, enum health_state before, int64_t now_ms)
{
	bool is_back = before == HEALTH_DOWN || before == HEALTH_RISING;

	// At the start of the process all are new, and nobody is there to carry the rest.
	if (backend->service->config->slow_start_ms == 0 || (!is_back && !backend->is_late))
		return;
	backend->is_late = false;
	backend->slow_start_ms = now_ms;
	backend->weight = weight_at(backend->config->weight, 1);
}

static bool step_backend(struct backend *backend, int64_t now_ms)
{
	uint64_t all = backend->service->config->slow_start_ms;
	uint64_t elapsed = (uint64_t)(now_ms - backend->slow_start_ms);
	uint64_t step = all == 0 ? SLOW_START_STEPS : 1 + elapsed * (SLOW_START_STEPS - 1) / all;
	uint16_t before = backend->weight;

	if (backend->slow_start_ms == 0)
		return false;
	if (step >= SLOW_START_STEPS || !health_is_usable(backend->health.state)) {
		backend->slow_start_ms = 0;
		step = SLOW_START_STEPS;
	}
	backend->weight = weight_at(backend->config->weight, step);
	return backend->weight != before;
}

bool slow_start_step(struct control *control, int64_t now_ms)
{
	bool changed = false;

	for (uint32_t i = 0; i < control->nb_services; i++) {
		struct service *service = control->services[i];

		for (uint32_t k = 0; k < service->nb_backends; k++)
			changed |= step_backend(service->backends[k], now_ms);
	}
	return changed;
}

// SPDX-License-Identifier: BSD-3-Clause
#include "control/bits.h"

static bool is_checked(const struct backend *backend)
{
	return backend->config->health_check.method != CONFIG_HEALTH_NONE;
}

static bool all_unknown(const struct service *service)
{
	for (uint32_t i = 0; i < service->nb_backends; i++) {
		const struct backend *backend = service->backends[i];

		if (backend->admin == CONFIG_STATE_MAINT)
			continue;
		if (!is_checked(backend) || backend->health.state != HEALTH_UNKNOWN)
			return false;
	}
	return true;
}

static bool is_usable(const struct backend *backend, bool unknown_is_usable)
{
	if (!is_checked(backend) || health_is_usable(backend->health.state))
		return true;
	return unknown_is_usable && backend->health.state == HEALTH_UNKNOWN;
}

// A maybe-dead backend beats none, and beats burying the few that are left under all the load.
static bool ignore_health(const struct service *service, bool unknown_is_usable)
{
	uint64_t ready = 0, usable = 0;

	for (uint32_t i = 0; i < service->nb_backends; i++) {
		const struct backend *backend = service->backends[i];

		if (backend->admin != CONFIG_STATE_READY)
			continue;
		ready += backend->config->weight;
		if (is_usable(backend, unknown_is_usable))
			usable += backend->config->weight;
	}
	if (usable * 100 < ready * service->config->panic_threshold_percent)
		return true;
	return usable == 0 && service->config->when_all_down == CONFIG_ALL_DOWN_SPREAD;
}

void bits_decide(const struct service *service, struct bits *bits)
{
	bool unknown_is_usable = all_unknown(service);
	bool ignored = ignore_health(service, unknown_is_usable);

	for (uint32_t i = 0; i < service->nb_backends; i++) {
		const struct backend *backend = service->backends[i];
		bool usable = ignored || is_usable(backend, unknown_is_usable);

		bits[i].fresh = backend->admin == CONFIG_STATE_READY && usable;
		// A backend of which nothing is known yet may well hold dialogs from before our
		// start; new ones can wait for the first probe.
		bits[i].pinned = backend->admin != CONFIG_STATE_MAINT &&
			(usable || backend->health.state == HEALTH_UNKNOWN);
	}
}

uint32_t bits_nb_usable(const struct service *service)
{
	bool unknown_is_usable = all_unknown(service);
	bool ignored = ignore_health(service, unknown_is_usable);
	uint32_t nb = 0;

	for (uint32_t i = 0; i < service->nb_backends; i++) {
		const struct backend *backend = service->backends[i];

		nb += backend->admin == CONFIG_STATE_READY &&
			(ignored || is_usable(backend, unknown_is_usable));
	}
	return nb;
}

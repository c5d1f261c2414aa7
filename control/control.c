// SPDX-License-Identifier: BSD-3-Clause
#include "control/control.h"

#include "control/cluster.h"
#include "control/health.h"
#include "control/log.h"
#include "control/publisher.h"
#include "control/retired.h"
#include "control/slots.h"
#include "control/state_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

LOG_TOPIC("control");

const char *health_state_name(enum health_state state)
{
	static const char *const names[HEALTH_STATES] = {
		[HEALTH_UNKNOWN] = "unknown",
		[HEALTH_DOWN] = "down",
		[HEALTH_RISING] = "rising",
		[HEALTH_UP] = "up",
		[HEALTH_FALLING] = "falling",
	};

	return names[state];
}

static const char *const admin_names[] = {
	[CONFIG_STATE_READY] = "ready",
	[CONFIG_STATE_DRAIN] = "drain",
	[CONFIG_STATE_MAINT] = "maint",
};

const char *admin_state_name(enum config_admin_state state)
{
	return admin_names[state];
}

int admin_state_parse(const char *text, enum config_admin_state *state)
{
	for (unsigned int i = 0; i < sizeof(admin_names) / sizeof(admin_names[0]); i++) {
		if (strcmp(text, admin_names[i]) == 0) {
			*state = (enum config_admin_state)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *probe_result_name(enum probe_result result)
{
	static const char *const names[PROBE_RESULTS] = {
		[PROBE_NONE] = "none",
		[PROBE_GOOD] = "good",
		[PROBE_BAD_STATUS] = "bad-status",
		[PROBE_TIMEOUT] = "timeout",
		[PROBE_UNREACHABLE] = "unreachable",
		[PROBE_NOT_SENT] = "not-sent",
	};

	return names[result];
}

const char *dataplane_link_name(enum dataplane_link link)
{
	static const char *const names[] = {
		[LINK_DOWN] = "down",
		[LINK_CONNECTED] = "starting",
		[LINK_RUNNING] = "running",
	};

	return names[link];
}

static int64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t control_now_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

int64_t control_wall_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

struct service *control_find_service(const struct control *control, const char *name)
{
	for (uint32_t i = 0; i < control->nb_services; i++) {
		if (strcmp(control->services[i]->name, name) == 0)
			return control->services[i];
	}
	return NULL;
}

struct backend *service_find_backend(const struct service *service, const char *name)
{
	for (uint32_t i = 0; i < service->nb_backends; i++) {
		if (strcmp(service->backends[i]->name, name) == 0)
			return service->backends[i];
	}
	return NULL;
}

struct backend *control_find_backend(const struct control *control, const char *path)
{
	char name[CONFIG_NAME_MAX + 1];
	const char *slash = strchr(path, '/');
	const struct service *service;

	if (slash == NULL || (size_t)(slash - path) > CONFIG_NAME_MAX)
		return NULL;
	memcpy(name, path, (size_t)(slash - path));
	name[slash - path] = '\0';
	service = control_find_service(control, name);
	return service == NULL ? NULL : service_find_backend(service, slash + 1);
}

struct backend *control_find_backend_id(const struct control *control, uint32_t id)
{
	for (uint32_t i = 0; i < control->nb_services; i++) {
		struct service *service = control->services[i];

		for (uint32_t k = 0; k < service->nb_backends; k++) {
			if (service->backends[k]->id == id)
				return service->backends[k];
		}
	}
	return NULL;
}

static void name_backend(const struct service *service, const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", service->name, name);
}

static void take_slots(struct control *control)
{
	char path[SLOTS_NAME_MAX];

	for (uint32_t i = 0; i < control->nb_services; i++) {
		struct service *service = control->services[i];

		service->counter = slots_take(control->service_slots, service->name);
		for (uint32_t k = 0; k < service->nb_backends; k++) {
			struct backend *backend = service->backends[k];

			name_backend(service, backend->name, path, sizeof(path));
			backend->counter = slots_take(control->backend_slots, path);
		}
	}
}

static void hold_retired_slots(struct control *control, struct service *service)
{
	char path[SLOTS_NAME_MAX];

	for (uint32_t i = 0; i < service->nb_retired; i++) {
		name_backend(service, service->retired[i].name, path, sizeof(path));
		service->retired[i].counter = slots_take(control->backend_slots, path);
	}
}

void control_adopt_slots(struct control *control, const struct snapshot *snapshot)
{
	char path[SLOTS_NAME_MAX];

	slots_clear(control->service_slots);
	slots_clear(control->backend_slots);
	for (uint16_t i = 0; i < snapshot->services.nb; i++) {
		const struct snapshot_service *service = snapshot_service(snapshot, i);

		slots_adopt(control->service_slots, service->counter, service->name);
	}
	for (uint16_t i = 0; i < snapshot->backends.nb; i++) {
		const struct snapshot_backend *backend = snapshot_backend(snapshot, i);

		snprintf(path, sizeof(path), "%s/%s",
			snapshot_service(snapshot, backend->service)->name, backend->name);
		slots_adopt(control->backend_slots, backend->counter, path);
	}
	take_slots(control);
	retired_adopt(control, snapshot);
	for (uint32_t i = 0; i < control->nb_services; i++)
		hold_retired_slots(control, control->services[i]);
}

// ---- Services and backends across a reload ------------------------------------------------------

static void endpoint_from_config(struct endpoint *ep, const struct config_addr *addr, uint16_t port)
{
	*ep = (struct endpoint){.port = port, .ip.family = addr->family};
	memcpy(ep->ip.octets, addr->ip, sizeof(ep->ip.octets));
}

static void free_service(struct service *service)
{
	if (service == NULL)
		return;
	free(service->backends);
	free(service);
}

// A new object for every service, holding the backend objects that stay and new ones for the rest.
static struct service *make_service(
	const struct control *control, const struct config_service *config)
{
	struct service *service = calloc(1, sizeof(*service));
	const struct service *old = control_find_service(control, config->name);

	if (service == NULL)
		return NULL;
	service->config = config;
	service->index = old != NULL ? old->index : SNAPSHOT_NONE;
	service->table_hash = old != NULL ? old->table_hash : 0;
	snprintf(service->name, sizeof(service->name), "%s", config->name);
	service->backends = calloc(config->nb_backends, sizeof(*service->backends));
	if (service->backends == NULL)
		goto free_all;
	for (uint32_t i = 0; i < config->nb_backends; i++) {
		struct backend *backend = NULL;

		if (old != NULL)
			backend = service_find_backend(old, config->backends[i].name);
		if (backend == NULL) {
			backend = calloc(1, sizeof(*backend));
			if (backend == NULL)
				goto free_all;
			backend->index = SNAPSHOT_NONE;
			backend->is_late = control->config != NULL;
			backend->health.since_ms = control_wall_ms();
			snprintf(backend->name, sizeof(backend->name), "%s",
				config->backends[i].name);
		}
		service->backends[service->nb_backends++] = backend;
	}
	return service;

free_all:
	for (uint32_t i = 0; i < service->nb_backends; i++) {
		if (service->backends[i]->config == NULL)
			free(service->backends[i]);
	}
	free_service(service);
	return NULL;
}

// The override falls when the operator's file says something new about the same field: the newer
// word counts (and a restart of the old habit would be a surprise).
static void settle_override(struct backend *backend, const struct config_backend *config)
{
	struct override *override = &backend->override;

	if (!override->set || override->configured == config->state)
		return;
	LOG(NOTICE,
		"%s/%s: override \"%s\" by %s dropped: the configured state changed from %s to %s",
		backend->service->name, backend->name, admin_state_name(override->state),
		override->by, admin_state_name(override->configured),
		admin_state_name(config->state));
	*override = (struct override){.revision = override->revision};
}

static void settle_backend(struct control *control, struct service *service,
	const struct config_backend *config, struct backend *backend)
{
	struct endpoint addr;
	bool is_new = backend->config == NULL;

	backend->service = service;
	endpoint_from_config(&addr, &config->address, config->port);
	// Another address is another machine: what the probes said of the old one says nothing.
	if (!is_new && !endpoint_eq(&addr, &backend->addr))
		health_backend_removed(control->health, backend);
	backend->addr = addr;
	backend->config = config;
	backend->id = backend_id(service->name, backend->name);
	if (is_new || backend->slow_start_ms == 0)
		backend->weight = config->weight;
	settle_override(backend, config);
	backend->admin = backend->override.set ? backend->override.state : config->state;
}

// Backends of `old` that no service of the new list holds are gone, or stay for their dialogs.
static void drop_backends(struct control *control, struct service *old)
{
	struct service *kept = control_find_service(control, old->name);

	if (kept != NULL)
		retired_inherit(control, kept, old);
	for (uint32_t i = 0; i < old->nb_backends; i++) {
		struct backend *backend = old->backends[i];

		if (kept != NULL && service_find_backend(kept, backend->name) == backend)
			continue;
		if (kept == NULL || !retired_add(kept, backend))
			slots_release(control->backend_slots, backend->counter);
		health_backend_removed(control->health, backend);
		cluster_backend_removed(control->cluster, backend);
		free(backend);
	}
	if (kept == NULL) {
		retired_fini(control, old);
		slots_release(control->service_slots, old->counter);
	}
}

// The file as text, for `config show`. NULL when it cannot be had.
static char *read_text(const char *path)
{
	FILE *file = path != NULL ? fopen(path, "re") : NULL;
	char *text = NULL;
	size_t size = 0;

	if (file == NULL)
		return NULL;
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

int control_apply_config(struct control *control, struct config *config)
{
	struct service **old = control->services;
	uint32_t nb_old = control->nb_services;
	struct service **services = calloc(config->nb_services, sizeof(*services));

	if (services == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < config->nb_services; i++) {
		services[i] = make_service(control, &config->services[i]);
		if (services[i] == NULL)
			goto free_services;
	}

	control->services = services;
	control->nb_services = config->nb_services;
	for (uint32_t i = 0; i < config->nb_services; i++) {
		for (uint32_t k = 0; k < services[i]->nb_backends; k++)
			settle_backend(control, services[i], &config->services[i].backends[k],
				services[i]->backends[k]);
	}
	for (uint32_t i = 0; i < nb_old; i++) {
		drop_backends(control, old[i]);
		free_service(old[i]);
	}
	free(old);
	take_slots(control);

	free(control->config_text);
	control->config_text = read_text(control->config_path);
	if (control->boot == NULL)
		control->boot = config;
	if (control->config != NULL && control->config != control->boot)
		config_destroy(control->config);
	control->config = config;
	return 0;

free_services:
	for (uint32_t i = 0; i < config->nb_services && services[i] != NULL; i++) {
		for (uint32_t k = 0; k < services[i]->nb_backends; k++) {
			if (services[i]->backends[k]->config == NULL)
				free(services[i]->backends[k]);
		}
		free_service(services[i]);
	}
	free(services);
	return -ENOMEM;
}

int control_init(struct control *control)
{
	control->started_ms = (uint64_t)control_wall_ms();
	control->service_slots = slots_create(IPC_SERVICE_SLOTS);
	control->backend_slots = slots_create(IPC_BACKEND_SLOTS);
	return control->service_slots == NULL || control->backend_slots == NULL ? -ENOMEM : 0;
}

void control_fini(struct control *control)
{
	for (uint32_t i = 0; i < control->nb_services; i++) {
		struct service *service = control->services[i];

		for (uint32_t k = 0; k < service->nb_backends; k++)
			free(service->backends[k]);
		retired_fini(control, service);
		free_service(service);
	}
	free(control->services);
	free(control->config_text);
	slots_destroy(control->service_slots);
	slots_destroy(control->backend_slots);
	if (control->config != control->boot)
		config_destroy(control->config);
	config_destroy(control->boot);
	*control = (struct control){0};
}

// ---- State changes ------------------------------------------------------------------------------

void control_backend_override(struct control *control, struct backend *backend,
	const struct override *override, bool publish)
{
	enum config_admin_state before = backend->admin;

	backend->override = *override;
	backend->override.configured = backend->config->state;
	backend->admin = override->set ? override->state : backend->config->state;
	LOG(NOTICE, "%s/%s: %s -> %s by %s%s%s", backend->service->name, backend->name,
		admin_state_name(before), admin_state_name(backend->admin),
		override->by[0] != '\0' ? override->by : "the configuration",
		override->reason[0] != '\0' ? ": " : "", override->reason);
	publisher_update_bits(control->publisher);
	state_file_save(control);
	if (publish)
		cluster_override_changed(control->cluster, backend);
}

void control_backend_verdict(
	struct control *control, struct backend *backend, enum cluster_verdict verdict)
{
	if (backend->health.verdict == verdict)
		return;
	backend->health.verdict = verdict;
	health_update(control->health, backend);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "control/admin_command.h"
#include "control/bits.h"
#include "control/health.h"

#include <stdlib.h>
#include <string.h>

static const char *verdict_name(enum cluster_verdict verdict)
{
	static const char *const names[] = {
		[VERDICT_NONE] = "none",
		[VERDICT_UP] = "up",
		[VERDICT_DOWN] = "down",
	};

	return names[verdict];
}

static bool is_checked(const struct backend *backend)
{
	return backend->config->health_check.method != CONFIG_HEALTH_NONE;
}

static json_t *probe_json(const struct backend *backend)
{
	const struct backend_health *h = &backend->health;
	bool answered = h->last_result == PROBE_GOOD || h->last_result == PROBE_BAD_STATUS;

	return json_pack("{s:s, s:o, s:o, s:b}", "result", probe_result_name(h->last_result),
		"status", answered ? json_integer(h->last_status) : json_null(), "rtt_ms",
		answered ? json_real((double)h->last_rtt_us / 1000) : json_null(), "paused",
		is_checked(backend) && backend->probe == NULL);
}

static json_t *responses_json(const struct ipc_backend_counters *counters)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "1xx",
		(json_int_t)counters->responses[1], "2xx", (json_int_t)counters->responses[2],
		"3xx", (json_int_t)counters->responses[3], "4xx",
		(json_int_t)counters->responses[4], "5xx", (json_int_t)counters->responses[5],
		"6xx", (json_int_t)counters->responses[6]);
}

static void set_operator(json_t *object, const struct backend *backend)
{
	const struct override *override = &backend->override;

	json_object_set_new(object, "admin", json_string(admin_state_name(backend->admin)));
	json_object_set_new(
		object, "configured", json_string(admin_state_name(backend->config->state)));
	json_object_set_new(object, "by", json_string(override->set ? override->by : "config"));
	json_object_set_new(
		object, "reason", override->set ? admin_string(override->reason) : json_null());
	json_object_set_new(
		object, "set_at", override->set ? admin_time(override->when_ms) : json_null());
}

static void set_health(json_t *object, const struct backend *backend)
{
	const struct backend_health *h = &backend->health;
	const struct config_health_check *check = &backend->config->health_check;

	json_object_set_new(object, "health",
		json_string(is_checked(backend) ? health_state_name(h->state) : "unchecked"));
	json_object_set_new(object, "own_health", json_string(health_state_name(h->own)));
	json_object_set_new(object, "verdict", json_string(verdict_name(h->verdict)));
	json_object_set_new(object, "streak", json_integer(h->streak));
	json_object_set_new(object, "rise", json_integer(check->rise));
	json_object_set_new(object, "fall", json_integer(check->fall));
	json_object_set_new(object, "since", admin_time(h->since_ms));
	json_object_set_new(object, "since_s",
		h->since_ms > 0 ? json_real((double)(control_wall_ms() - h->since_ms) / 1000)
				: json_null());
	json_object_set_new(object, "probe", probe_json(backend));
}

static json_t *backend_json(const struct control *control, const struct backend *backend)
{
	struct ipc_backend_counters counters;
	struct bits *bits = calloc(backend->service->nb_backends, sizeof(*bits));
	struct bits own = {0};
	json_t *object;

	if (bits != NULL)
		bits_decide(backend->service, bits);
	for (uint32_t i = 0; bits != NULL && i < backend->service->nb_backends; i++) {
		if (backend->service->backends[i] == backend)
			own = bits[i];
	}
	free(bits);
	control_backend_counters(control, backend, &counters);
	object = json_pack("{s:s, s:s, s:o, s:o, s:I, s:i, s:i, s:f, s:b, s:b, s:I, s:I, s:o}",
		"service", backend->service->name, "name", backend->name, "address",
		admin_endpoint(&backend->addr), "zone", admin_string(backend->config->zone), "id",
		(json_int_t)backend->id, "weight", (int)backend->config->weight, "effective_weight",
		(int)backend->weight, "share", control_backend_share(control, backend), "fresh",
		own.fresh, "pinned", own.pinned, "requests", (json_int_t)counters.requests,
		"fresh_requests", (json_int_t)counters.fresh, "responses",
		responses_json(&counters));
	set_operator(object, backend);
	set_health(object, backend);
	return object;
}

json_t *admin_backend_list(const struct admin_request *request)
{
	const struct control *control = request->control;
	const struct service *only = NULL;
	json_t *list, *error = NULL;

	if (request->nb_args > 0) {
		only = admin_get_service(request, request->args[0], &error);
		if (only == NULL)
			return error;
	}
	list = json_array();
	for (uint32_t i = 0; i < control->nb_services; i++) {
		const struct service *service = control->services[i];

		for (uint32_t k = 0; k < service->nb_backends; k++) {
			if (only == NULL || only == service)
				json_array_append_new(
					list, backend_json(control, service->backends[k]));
		}
	}
	return json_pack("{s:o, s:o}", "backends", list, "now", admin_time(control_wall_ms()));
}

static json_t *histogram_json(const struct backend_health *h)
{
	json_t *list = json_array();
	uint64_t count = 0;

	for (uint32_t i = 0; i < PROBE_RTT_SLOTS; i++) {
		count += h->rtt_slots[i];
		json_array_append_new(list,
			json_pack("{s:o, s:I}", "le_s",
				i < PROBE_RTT_SLOTS - 1 ? json_real(probe_rtt_bounds[i])
							: json_null(),
				"count", (json_int_t)count));
	}
	return list;
}

json_t *admin_backend_show(const struct admin_request *request)
{
	json_t *error = NULL, *object, *probes;
	const struct backend *backend = admin_get_backend(request, request->args[0], &error);

	if (backend == NULL)
		return error;
	object = backend_json(request->control, backend);
	probes = json_object();
	for (enum probe_result i = PROBE_GOOD; i < PROBE_RESULTS; i++)
		json_object_set_new(probes, probe_result_name(i),
			json_integer((json_int_t)backend->health.results[i]));
	json_object_set_new(object, "counter", json_integer(backend->counter));
	json_object_set_new(object, "index",
		backend->index != SNAPSHOT_NONE ? json_integer(backend->index) : json_null());
	json_object_set_new(
		object, "changes", json_integer((json_int_t)backend->health.nb_changes));
	json_object_set_new(object, "probes", probes);
	json_object_set_new(object, "rtt_histogram", histogram_json(&backend->health));
	return json_pack("{s:o}", "backend", object);
}

// Share of the service's new calls that go to each backend by the bits as they are now.
static uint32_t first_usable(
	const struct service *service, const struct bits *bits, const uint16_t *row)
{
	for (uint32_t c = 0; c < SNAPSHOT_CANDIDATES; c++) {
		for (uint32_t i = 0; i < service->nb_backends; i++) {
			if (service->backends[i]->index == row[c] && row[c] != SNAPSHOT_NONE &&
				bits[i].fresh)
				return i;
		}
	}
	return UINT32_MAX;
}

// Share of rows that another backend gets under other bits. A sample of the rows is enough to show.
static double share_moved(const struct control *control, const struct service *service,
	const struct bits *before, const struct bits *after)
{
	const struct snapshot *snapshot = control->dataplane.snapshot;
	const struct snapshot_service *entry;
	uint32_t moved = 0, rows;

	if (snapshot == NULL || service->index == SNAPSHOT_NONE)
		return 0;
	entry = snapshot_service(snapshot, service->index);
	rows = entry->table.nb < 16384 ? entry->table.nb : 16384;
	for (uint32_t i = 0; i < rows; i++) {
		const uint16_t *row = snapshot_row(snapshot, &entry->table, i);

		moved += first_usable(service, before, row) != first_usable(service, after, row);
	}
	return rows == 0 ? 0 : (double)moved / rows;
}

json_t *admin_backend_set(const struct admin_request *request)
{
	static struct bits before[CONFIG_BACKENDS_MAX], after[CONFIG_BACKENDS_MAX];
	struct control *control = request->control;
	struct override override = {.when_ms = control_wall_ms()};
	const char *reason = admin_text(request, "reason");
	json_t *error = NULL;
	struct backend *backend = admin_get_backend(request, request->args[0], &error);
	enum config_admin_state previous;

	if (backend == NULL)
		return error;
	if (admin_state_parse(request->args[1], &override.state) < 0)
		return admin_error(
			ADMIN_USAGE, "\"%s\" is not ready, drain or maint", request->args[1]);
	if (reason != NULL && strlen(reason) >= sizeof(override.reason))
		return admin_error(ADMIN_REFUSED, "the reason is longer than %zu octets",
			sizeof(override.reason) - 1);
	previous = backend->admin;
	override.set = override.state != backend->config->state;
	override.revision = backend->override.revision + 1;
	snprintf(override.by, sizeof(override.by), "%s", request->by);
	snprintf(override.reason, sizeof(override.reason), "%s", reason != NULL ? reason : "");
	bits_decide(backend->service, before);
	control_backend_override(control, backend, &override, true);
	health_sync(control->health);
	bits_decide(backend->service, after);
	return json_pack("{s:o, s:s, s:f}", "backend", backend_json(control, backend), "previous",
		admin_state_name(previous), "share_moved",
		share_moved(control, backend->service, before, after));
}

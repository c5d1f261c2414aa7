// SPDX-License-Identifier: BSD-3-Clause
#include "control/metrics_page.h"

#include "control/metrics_text.h"

#include <event2/buffer.h>

#include <stdio.h>
#include <string.h>

static const char *const classes[] = {"", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx"};

#define NB_CLASSES 7 // from 1 on

static const double size_bounds[IPC_SIZE_SLOTS - 1] = {256, 512, 1024, 1500, 2048, 4096, 8192};

// ---- Services ----------------------------------------------------------------------------------

// One labelled array of the counters of a service.
struct array {
	const char *name, *help, *label;
	size_t offset;
	uint32_t first, nb;
	const char *(*text)(uint32_t i);
};

static const char *method_text(uint32_t i)
{
	return sip_method_text((enum sip_method)i);
}

static const char *class_text(uint32_t i)
{
	return classes[i];
}

static const char *reason_text(uint32_t i)
{
	return sip_reason_name((enum sip_reason)i);
}

static const char *rule_text(uint32_t i)
{
	return rule_name((enum rule)i);
}

static const char *drop_text(uint32_t i)
{
	return drop_reason_name((enum drop_reason)i);
}

static const struct array arrays[] = {
#define FIELD(field) offsetof(struct ipc_service_counters, field)
	{"sip_requests_total", "SIP requests received by method.", "method", FIELD(requests), 0,
		SIP_METHODS, method_text},
	{"sip_responses_total", "SIP responses received by status class.", "class",
		FIELD(responses), 1, NB_CLASSES, class_text},
	{"sip_replies_total", "SIP responses made here by status class.", "class", FIELD(replies),
		1, NB_CLASSES, class_text},
	{"sip_parse_errors_total", "Messages that could not be parsed.", "reason",
		FIELD(parse_errors), 1, SIP_REASONS, reason_text},
	{"decisions_total", "Messages by the rule that decided where they went.", "rule",
		FIELD(rules), 1, RULES, rule_text},
};

static uint64_t array_value(const struct ipc_service_counters *counters, size_t offset, uint32_t i)
{
	uint64_t value;

	memcpy(&value, (const char *)counters + offset + i * sizeof(value), sizeof(value));
	return value;
}

static void write_array(const struct control *control, const struct array *array,
	const struct ipc_service_counters *counters, struct evbuffer *out)
{
	metrics_text_family(out, array->name, "counter", array->help);
	for (uint32_t s = 0; s < control->nb_services; s++)
		for (uint32_t i = array->first; i < array->nb; i++)
			metrics_text_count(out, array->name,
				METRICS_LABELS("service", control->services[s]->name, array->label,
					array->text(i)),
				array_value(&counters[s], array->offset, i));
}

// Drops before the service is known have an empty label, which is none for Prometheus.
static void write_drops(const struct control *control, const struct ipc_service_counters *counters,
	struct evbuffer *out)
{
	metrics_text_family(
		out, "packets_dropped_total", "counter", "Packets dropped on purpose by reason.");
	for (uint32_t i = 1; i < DROP_REASONS; i++) {
		uint64_t unknown = 0;

		for (uint32_t s = 0; s < control->nb_services; s++)
			metrics_text_count(out, "packets_dropped_total",
				METRICS_LABELS("service", control->services[s]->name, "reason",
					drop_text(i)),
				counters[s].drops[i]);
		for (uint32_t w = 0; w < control->dataplane.nb_workers; w++) {
			const struct ipc_worker_counters *worker =
				control_worker_counters(control, w);

			if (worker != NULL)
				unknown += __atomic_load_n(&worker->drops[i], __ATOMIC_RELAXED);
		}
		metrics_text_count(out, "packets_dropped_total",
			METRICS_LABELS("service", "", "reason", drop_text(i)), unknown);
	}
}

void metrics_page_services(const struct control *control, struct evbuffer *out)
{
	static struct ipc_service_counters counters[IPC_SERVICE_SLOTS];

	for (uint32_t s = 0; s < control->nb_services; s++)
		control_service_counters(control, control->services[s], &counters[s]);
	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		write_array(control, &arrays[i], counters, out);
	write_drops(control, counters, out);
	metrics_text_family(out, "sip_message_size_bytes", "histogram",
		"Size of SIP messages after reassembly.");
	for (uint32_t s = 0; s < control->nb_services; s++) {
		struct metrics_histogram size = {size_bounds, counters[s].message_size,
			IPC_SIZE_SLOTS - 1, (double)counters[s].message_octets};

		metrics_text_histogram(out, "sip_message_size_bytes",
			METRICS_LABELS("service", control->services[s]->name), &size);
	}
}

// ---- Backends ----------------------------------------------------------------------------------

typedef void write_backend_fn(const struct control *control, const struct backend *backend,
	const char *name, struct evbuffer *out);

#define BACKEND_LABELS(backend, ...) \
	METRICS_LABELS(              \
		"service", (backend)->service->name, "backend", (backend)->name, ##__VA_ARGS__)

static void write_requests(const struct control *control, const struct backend *backend,
	const char *name, struct evbuffer *out)
{
	struct ipc_backend_counters counters;

	control_backend_counters(control, backend, &counters);
	metrics_text_count(out, name, BACKEND_LABELS(backend), counters.requests);
}

static void write_fresh(const struct control *control, const struct backend *backend,
	const char *name, struct evbuffer *out)
{
	struct ipc_backend_counters counters;

	control_backend_counters(control, backend, &counters);
	metrics_text_count(out, name, BACKEND_LABELS(backend), counters.fresh);
}

static void write_responses(const struct control *control, const struct backend *backend,
	const char *name, struct evbuffer *out)
{
	struct ipc_backend_counters counters;

	control_backend_counters(control, backend, &counters);
	for (uint32_t i = 1; i < NB_CLASSES; i++)
		metrics_text_count(out, name, BACKEND_LABELS(backend, "class", classes[i]),
			counters.responses[i]);
}

static void write_state(const struct control *control, const struct backend *backend,
	const char *name, struct evbuffer *out)
{
	for (enum health_state i = 0; i < HEALTH_STATES; i++)
		metrics_text_count(out, name,
			BACKEND_LABELS(backend, "state", health_state_name(i)),
			backend->health.state == i);
}

static void write_admin_state(const struct control *control, const struct backend *backend,
	const char *name, struct evbuffer *out)
{
	for (enum config_admin_state i = CONFIG_STATE_READY; i <= CONFIG_STATE_MAINT; i++)
		metrics_text_count(out, name, BACKEND_LABELS(backend, "state", admin_state_name(i)),
			backend->admin == i);
}

static void write_weight(const struct control *control, const struct backend *backend,
	const char *name, struct evbuffer *out)
{
	metrics_text_count(out, name, BACKEND_LABELS(backend), backend->weight);
}

static void write_share(const struct control *control, const struct backend *backend,
	const char *name, struct evbuffer *out)
{
	metrics_text_value(
		out, name, BACKEND_LABELS(backend), control_backend_share(control, backend));
}

static void write_changes(const struct control *control, const struct backend *backend,
	const char *name, struct evbuffer *out)
{
	metrics_text_count(out, name, BACKEND_LABELS(backend), backend->health.nb_changes);
}

static void write_since(const struct control *control, const struct backend *backend,
	const char *name, struct evbuffer *out)
{
	metrics_text_value(
		out, name, BACKEND_LABELS(backend), (double)backend->health.since_ms / 1000);
}

static void write_probes(const struct control *control, const struct backend *backend,
	const char *name, struct evbuffer *out)
{
	for (enum probe_result i = PROBE_GOOD; i < PROBE_RESULTS; i++)
		metrics_text_count(out, name,
			BACKEND_LABELS(backend, "result", probe_result_name(i)),
			backend->health.results[i]);
}

static const struct {
	const char *name, *type, *help;
	write_backend_fn *write;
} families[] = {
	{"backend_requests_total", "counter", "Requests sent to the backend.", write_requests},
	{"backend_new_dialogs_total", "counter",
		"Requests to the backend that neither token nor cache had placed.", write_fresh},
	{"backend_responses_total", "counter", "Responses seen from the backend by class.",
		write_responses},
	{"backend_state", "gauge", "1 for the current state, 0 for the others.", write_state},
	{"backend_admin_state", "gauge", "1 for the state set by the operator.", write_admin_state},
	{"backend_weight", "gauge", "Effective weight.", write_weight},
	{"backend_hash_slots_ratio", "gauge", "Share of the lookup table held.", write_share},
	{"backend_state_changes_total", "counter", "Changes between up and down.", write_changes},
	{"backend_last_change_timestamp_seconds", "gauge", "Unix time of the last change; 0: none.",
		write_since},
	{"health_probes_total", "counter", "Health probes by result.", write_probes},
};

static void write_probe_duration(const struct control *control, struct evbuffer *out)
{
	metrics_text_family(out, "health_probe_duration_seconds", "histogram",
		"Time to the answer of a probe.");
	for (uint32_t s = 0; s < control->nb_services; s++) {
		const struct service *service = control->services[s];
		uint64_t counts[PROBE_RTT_SLOTS] = {0};
		struct metrics_histogram rtt = {probe_rtt_bounds, counts, PROBE_RTT_SLOTS - 1, 0};

		for (uint32_t b = 0; b < service->nb_backends; b++) {
			const struct backend_health *health = &service->backends[b]->health;

			for (uint32_t i = 0; i < PROBE_RTT_SLOTS; i++)
				counts[i] += health->rtt_slots[i];
			rtt.sum += health->rtt_sum;
		}
		metrics_text_histogram(out, "health_probe_duration_seconds",
			METRICS_LABELS("service", service->name), &rtt);
	}
}

void metrics_page_backends(const struct control *control, struct evbuffer *out)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		metrics_text_family(out, families[i].name, families[i].type, families[i].help);
		for (uint32_t s = 0; s < control->nb_services; s++)
			for (uint32_t b = 0; b < control->services[s]->nb_backends; b++)
				families[i].write(control, control->services[s]->backends[b],
					families[i].name, out);
	}
	write_probe_duration(control, out);
}

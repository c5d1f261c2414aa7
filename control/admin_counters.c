// SPDX-License-Identifier: BSD-3-Clause
#include "control/admin_command.h"
#include "control/bits.h"
#include "control/retired.h"

#include <string.h>

static uint64_t sum(const uint64_t *counters, size_t nb)
{
	uint64_t total = 0;

	for (size_t i = 0; i < nb; i++)
		total += counters[i];
	return total;
}

static uint64_t relaxed(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static const char *hash_name(enum config_hash_key key)
{
	static const char *const names[] = {
		[CONFIG_HASH_CALL_ID] = "call-id",
		[CONFIG_HASH_FROM_AOR] = "from-aor",
		[CONFIG_HASH_TO_AOR] = "to-aor",
		[CONFIG_HASH_SOURCE_IP] = "source-ip",
	};

	return names[key];
}

static json_t *listeners_json(const struct config_service *config)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < config->nb_listen; i++) {
		struct endpoint ep = {.port = config->listen[i].port,
			.ip.family = config->listen[i].address.family};

		memcpy(ep.ip.octets, config->listen[i].address.ip, sizeof(ep.ip.octets));
		json_array_append_new(list, admin_endpoint(&ep));
	}
	return list;
}

// How long CANCEL and ACK may still go by the table before this one.
static double prev_window_s(const struct control *control, const struct service *service)
{
	const struct snapshot_service *entry;
	int64_t left = 0;

	if (control->dataplane.snapshot == NULL || service->index == SNAPSHOT_NONE)
		return 0;
	entry = snapshot_service(control->dataplane.snapshot, service->index);
	for (unsigned int i = 0; i < SNAPSHOT_PREV_MAX; i++) {
		if (entry->prev[i].table.nb != 0)
			left = (int64_t)entry->prev[i].until_ms - control_now_ms();
	}
	return left < 0 ? 0 : (double)left / 1000;
}

static json_t *retired_json(const struct service *service)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < service->nb_retired; i++)
		json_array_append_new(list, json_string(service->retired[i].name));
	return list;
}

static json_t *service_json(const struct control *control, const struct service *service)
{
	const struct config_service *config = service->config;
	struct ipc_service_counters counters;

	control_service_counters(control, service, &counters);
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:o, s:i, s:i, s:o, s:o, s:f, s:I, s:I, s:I, s:I, s:I}",
		"name", service->name, "mode", "proxy", "hash", hash_name(config->hash.key),
		"register_hash", hash_name(config->hash.register_key), "affinity",
		config->affinity == CONFIG_AFFINITY_REGISTRATION ? "registration" : "call-id",
		"listeners", listeners_json(config), "backends", (int)service->nb_backends,
		"usable", (int)bits_nb_usable(service), "retired", retired_json(service),
		"table_hash", admin_hash(service->table_hash), "prev_window_s",
		prev_window_s(control, service), "requests",
		(json_int_t)sum(counters.requests, SIP_METHODS), "responses",
		(json_int_t)sum(counters.responses, 8), "replies",
		(json_int_t)sum(counters.replies, 8), "drops",
		(json_int_t)sum(counters.drops, DROP_REASONS), "parse_errors",
		(json_int_t)sum(counters.parse_errors, SIP_REASONS));
}

json_t *admin_service_list(const struct admin_request *request)
{
	const struct control *control = request->control;
	json_t *list = json_array();

	for (uint32_t i = 0; i < control->nb_services; i++)
		json_array_append_new(list, service_json(control, control->services[i]));
	return json_pack("{s:o}", "services", list);
}

// ---- counters -----------------------------------------------------------------------------------

typedef const char *name_fn(uint32_t i);

static const char *method_name(uint32_t i)
{
	return sip_method_text((enum sip_method)i);
}

static const char *drop_name(uint32_t i)
{
	return drop_reason_name((enum drop_reason)i);
}

static const char *reason_name(uint32_t i)
{
	return sip_reason_name((enum sip_reason)i);
}

static const char *rule_text(uint32_t i)
{
	return rule_name((enum rule)i);
}

static const char *class_name(uint32_t i)
{
	static const char *const names[] = {"0xx", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx", "7xx"};

	return names[i];
}

static json_t *named(const uint64_t *counters, uint32_t first, uint32_t nb, name_fn *name)
{
	json_t *object = json_object();

	for (uint32_t i = first; i < nb; i++)
		json_object_set_new(
			object, name(i), json_integer((json_int_t)relaxed(&counters[i])));
	return object;
}

#define WORKER_FIELD(name)                                        \
	{                                                         \
#name, offsetof(struct ipc_worker_counters, name) \
	}

static json_t *worker_json(const struct ipc_worker_counters *worker, uint32_t i)
{
	static const struct {
		const char *name;
		size_t off;
	} fields[] = {
		WORKER_FIELD(turns),
		WORKER_FIELD(busy_cycles),
		WORKER_FIELD(idle_cycles),
		WORKER_FIELD(rx_packets),
		WORKER_FIELD(tx_packets),
		WORKER_FIELD(to_twin),
		WORKER_FIELD(from_twin),
		WORKER_FIELD(keepalives),
		WORKER_FIELD(fragments),
		WORKER_FIELD(reassembled),
		WORKER_FIELD(reassembly_expired),
		WORKER_FIELD(fragments_passed),
		WORKER_FIELD(reassembly_evicted),
		WORKER_FIELD(fragmented),
		WORKER_FIELD(injected),
		WORKER_FIELD(events_lost),
		WORKER_FIELD(traces_lost),
		WORKER_FIELD(txn_hits),
		WORKER_FIELD(txn_misses),
		WORKER_FIELD(txn_full),
		WORKER_FIELD(icmp_limited),
		WORKER_FIELD(twin_fragmented),
		WORKER_FIELD(to_twin_lost),
		WORKER_FIELD(from_twin_lost),
	};
	json_t *object = json_pack("{s:i, s:o}", "worker", (int)i, "drops",
		named(worker->drops, 1, DROP_REASONS, drop_name));

	for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++)
		json_object_set_new(object, fields[k].name,
			json_integer((json_int_t)relaxed(
				(const uint64_t *)((const char *)worker + fields[k].off))));
	return object;
}

static json_t *service_counters_json(const struct control *control, const struct service *service)
{
	struct ipc_service_counters c;

	control_service_counters(control, service, &c);
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "name", service->name,
		"requests", named(c.requests, 0, SIP_METHODS, method_name), "responses",
		named(c.responses, 1, 7, class_name), "replies", named(c.replies, 1, 7, class_name),
		"drops", named(c.drops, 1, DROP_REASONS, drop_name), "parse_errors",
		named(c.parse_errors, 1, SIP_REASONS, reason_name), "rules",
		named(c.rules, 1, RULES, rule_text), "message_octets",
		(json_int_t)c.message_octets);
}

// The middle of the slot that holds the given share of all samples, in microseconds.
static double quantile_us(const uint64_t *slots, uint64_t count, double share, double tsc_hz)
{
	uint64_t want = (uint64_t)((double)count * share), seen = 0;

	for (uint32_t i = 0; i < IPC_LATENCY_SLOTS; i++) {
		seen += slots[i];
		if (seen > want)
			return (double)(ipc_latency_floor(i) + ipc_latency_floor(i + 1)) / 2 /
				tsc_hz * 1e6;
	}
	return 0;
}

static json_t *latency_json(const struct control *control)
{
	uint64_t slots[IPC_LATENCY_SLOTS] = {0}, count, cycles = 0;
	double hz = control->dataplane.shm != NULL ? (double)control->dataplane.shm->tsc_hz : 0;

	for (uint32_t i = 0; i < control->dataplane.nb_workers; i++) {
		const struct ipc_worker_counters *worker = control_worker_counters(control, i);

		for (uint32_t k = 0; k < IPC_LATENCY_SLOTS; k++)
			slots[k] += relaxed(&worker->latency[k]);
		cycles += relaxed(&worker->latency_cycles);
	}
	count = sum(slots, IPC_LATENCY_SLOTS);
	if (count == 0 || hz <= 0)
		return json_pack("{s:i, s:n, s:n, s:n, s:n}", "count", 0, "p50_us", "p99_us",
			"p999_us", "mean_us");
	return json_pack("{s:I, s:f, s:f, s:f, s:f}", "count", (json_int_t)count, "p50_us",
		quantile_us(slots, count, 0.5, hz), "p99_us", quantile_us(slots, count, 0.99, hz),
		"p999_us", quantile_us(slots, count, 0.999, hz), "mean_us",
		(double)cycles / (double)count / hz * 1e6);
}

json_t *admin_counters(const struct admin_request *request)
{
	const struct control *control = request->control;
	json_t *workers = json_array(), *services = json_array();

	for (uint32_t i = 0; i < control->dataplane.nb_workers; i++)
		json_array_append_new(workers, worker_json(control_worker_counters(control, i), i));
	for (uint32_t i = 0; i < control->nb_services; i++)
		json_array_append_new(
			services, service_counters_json(control, control->services[i]));
	return json_pack("{s:o, s:o, s:o}", "workers", workers, "services", services, "latency",
		latency_json(control));
}

// SPDX-License-Identifier: BSD-3-Clause
#include "control/admin_command.h"
#include "control/bits.h"
#include "control/ready.h"
#include "control/registrations.h"
#include "control/reload.h"

#include <string.h>
#include <unistd.h>

json_t *admin_last_reload_json(const struct control *control)
{
	const struct last_reload *last = &control->last_reload;

	return json_pack("{s:b, s:o, s:o, s:o, s:I, s:I}", "success", last->success, "at",
		admin_time(last->when_ms), "success_at", admin_time(last->success_ms), "error",
		admin_string(last->error), "accepted", (json_int_t)last->nb_success, "refused",
		(json_int_t)last->nb_failure);
}

static json_t *config_json(const struct control *control)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "path", control->config_path, "digest",
		admin_hash(control->config->digest), "cluster_digest",
		admin_hash(control->config->cluster_digest), "needs_restart",
		reload_needs_restart_json(control, true), "last_reload",
		admin_last_reload_json(control));
}

static uint64_t relaxed(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static json_t *port_json(const struct control *control, uint32_t i)
{
	const struct ipc_port_info *port = &control->dataplane.ports[i];
	const struct ipc_port_counters *counters = control_port_counters(control, i);
	char mac[18];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", port->mac[0], port->mac[1],
		port->mac[2], port->mac[3], port->mac[4], port->mac[5]);
	return json_pack("{s:s, s:o, s:s, s:i, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		"name", port->name, "twin", admin_string(port->twin), "mac", mac, "mtu",
		(int)port->mtu, "link_up", port->link_up, "rx_packets",
		(json_int_t)relaxed(&counters->rx_packets), "rx_octets",
		(json_int_t)relaxed(&counters->rx_octets), "tx_packets",
		(json_int_t)relaxed(&counters->tx_packets), "tx_octets",
		(json_int_t)relaxed(&counters->tx_octets), "rx_missed",
		(json_int_t)relaxed(&counters->rx_missed), "rx_errors",
		(json_int_t)relaxed(&counters->rx_errors), "tx_errors",
		(json_int_t)relaxed(&counters->tx_errors), "rx_no_mbuf",
		(json_int_t)relaxed(&counters->rx_no_mbuf));
}

static json_t *dataplane_json(const struct control *control)
{
	const struct dataplane *dataplane = &control->dataplane;
	const struct ipc_shm *shm = dataplane->shm;
	json_t *ports = json_array();
	json_t *object;

	for (uint32_t i = 0; i < dataplane->nb_ports; i++)
		json_array_append_new(ports, port_json(control, i));
	object = json_pack("{s:s, s:o, s:o, s:I, s:I, s:I, s:o}", "link",
		dataplane_link_name(dataplane->link), "since", admin_time(dataplane->since_ms),
		"pid", dataplane->pid != 0 ? json_integer(dataplane->pid) : json_null(),
		"generation", (json_int_t)dataplane->generation, "workers",
		(json_int_t)dataplane->nb_workers, "workers_alive",
		(json_int_t)ready_workers_alive(control), "ports", ports);
	json_object_set_new(object, "started",
		shm != NULL ? admin_time((int64_t)(shm->start_unix_ns / 1000000)) : json_null());
	json_object_set_new(
		object, "start_digest_matches", json_boolean(control->dataplane.start_matches));
	json_object_set_new(object, "mbufs_total",
		json_integer(shm != NULL ? (json_int_t)relaxed(&shm->mbufs_total) : 0));
	json_object_set_new(object, "mbufs_in_use",
		json_integer(shm != NULL ? (json_int_t)relaxed(&shm->mbufs_in_use) : 0));
	json_object_set_new(object, "bindings",
		json_integer(shm != NULL ? (json_int_t)relaxed(&shm->bindings) : 0));
	json_object_set_new(object, "held_packets",
		json_integer(shm != NULL ? (json_int_t)relaxed(&shm->held_packets) : 0));
	return object;
}

static uint64_t sum(const uint64_t *counters, size_t nb)
{
	uint64_t total = 0;

	for (size_t i = 0; i < nb; i++)
		total += counters[i];
	return total;
}

static json_t *services_json(const struct control *control)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < control->nb_services; i++) {
		const struct service *service = control->services[i];
		struct ipc_service_counters counters;

		control_service_counters(control, service, &counters);
		json_array_append_new(list,
			json_pack("{s:s, s:i, s:i, s:o, s:I, s:I, s:I}", "name", service->name,
				"backends", (int)service->nb_backends, "usable",
				(int)bits_nb_usable(service), "table_hash",
				admin_hash(service->table_hash), "requests",
				(json_int_t)sum(counters.requests, SIP_METHODS), "responses",
				(json_int_t)sum(counters.responses, 8), "drops",
				(json_int_t)sum(counters.drops, DROP_REASONS)));
	}
	return list;
}

static json_t *reasons_json(const struct ready *ready)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < ready->nb_reasons; i++)
		json_array_append_new(list, json_string(ready->reasons[i]));
	return list;
}

json_t *admin_status(const struct admin_request *request)
{
	const struct control *control = request->control;
	struct ready ready;
	json_t *answer;

	ready_check(control, NULL, &ready);
	answer = json_pack("{s:s, s:s, s:s, s:i, s:o, s:f, s:o, s:o, s:o, s:b, s:o}", "version",
		SIPSHUNT_VERSION, "node", control->boot->node.name, "cluster",
		control->boot->node.cluster, "pid", (int)getpid(), "started",
		admin_time((int64_t)control->started_ms), "uptime_s",
		(double)(control_wall_ms() - (int64_t)control->started_ms) / 1000, "config",
		config_json(control), "dataplane", dataplane_json(control), "services",
		services_json(control), "ready", ready.ok, "ready_reasons", reasons_json(&ready));
	json_object_set_new(answer, "redis", admin_redis_json(control));
	json_object_set_new(answer, "registrations",
		json_pack("{s:I, s:I}", "count",
			(json_int_t)registrations_stats(control->registrations).nb, "max",
			(json_int_t)control->config->registrations.max));
	return answer;
}

json_t *admin_ready(const struct admin_request *request)
{
	const struct service *service = NULL;
	struct ready ready;
	json_t *error = NULL;

	if (request->nb_args > 0) {
		service = admin_get_service(request, request->args[0], &error);
		if (service == NULL)
			return error;
	}
	ready_check(request->control, service, &ready);
	return json_pack("{s:b, s:o}", "ready", ready.ok, "reasons", reasons_json(&ready));
}

json_t *admin_version(const struct admin_request *request)
{
	uint32_t pid = request->control->dataplane.pid;

	return json_pack("{s:s, s:o}", "version", SIPSHUNT_VERSION, "dataplane_pid",
		pid != 0 ? json_integer(pid) : json_null());
}

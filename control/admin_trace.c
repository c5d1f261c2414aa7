// SPDX-License-Identifier: BSD-3-Clause
#include "control/admin_command.h"
#include "control/events.h"
#include "control/trace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LIMIT_DEFAULT 200
#define LIMIT_MAX 100000
#define TIMEOUT_S 60
#define TIMEOUT_MAX_S 86400
#define WAITING_MAX (UINT32_C(8) << 20) // octets that a slow reader may leave with us

// ---- errors show --------------------------------------------------------------------------------

static json_t *service_of_slot(const struct control *control, uint16_t slot)
{
	for (uint32_t i = 0; i < control->nb_services; i++) {
		if (control->services[i]->counter == slot)
			return json_string(control->services[i]->name);
	}
	return json_null();
}

static json_t *reject_json(const struct control *control, const struct ipc_event_reject *reject)
{
	return json_pack("{s:o, s:o, s:o, s:s, s:I, s:I, s:I, s:o}", "at",
		admin_time((int64_t)(reject->received_ns / 1000000)), "service",
		service_of_slot(control, reject->service), "source",
		admin_endpoint(&reject->source), "reason",
		sip_reason_name((enum sip_reason)reject->reason), "offset",
		(json_int_t)reject->error_off, "message_len", (json_int_t)reject->message_len,
		"copied_off", (json_int_t)reject->copied_off, "octets",
		admin_octets(reject->octets, reject->copied_len));
}

json_t *admin_errors_show(const struct admin_request *request)
{
	const struct control *control = request->control;
	uint32_t nb = events_nb_rejects(control->events);
	int64_t last = admin_number(request, "last", nb);
	json_t *list;

	if (last < 0)
		return admin_error(ADMIN_USAGE, "last is out of range");
	list = json_array();
	for (uint32_t i = last < nb ? nb - (uint32_t)last : 0; i < nb; i++)
		json_array_append_new(
			list, reject_json(control, events_reject(control->events, i)));
	return json_pack("{s:o}", "errors", list);
}

// ---- trace --------------------------------------------------------------------------------------

// The connection that has the trace; there is one at most.
static struct {
	struct control *control;
	struct admin_conn *conn;
} tracer;

static json_t *backend_of_slot(const struct control *control, uint16_t slot)
{
	char path[2 * CONFIG_NAME_MAX + 2];

	for (uint32_t i = 0; i < control->nb_services; i++) {
		const struct service *service = control->services[i];

		for (uint32_t k = 0; k < service->nb_backends; k++) {
			if (service->backends[k]->counter != slot)
				continue;
			snprintf(path, sizeof(path), "%s/%s", service->name,
				service->backends[k]->name);
			return json_string(path);
		}
	}
	return json_null();
}

static json_t *copy_json(const struct control *control, const struct ipc_trace_record *r)
{
	json_t *object = json_pack("{s:o, s:s, s:o, s:o, s:o, s:n, s:o, s:s, s:i, s:I, s:o}", "at",
		admin_time((int64_t)(r->received_ns / 1000000)), "direction",
		r->direction == 0 ? "received" : "sent", "source", admin_endpoint(&r->source),
		"local", admin_endpoint(&r->local), "to", admin_endpoint(&r->to), "service",
		"backend", backend_of_slot(control, r->backend), "action",
		admin_action_name(r->action), "worker", (int)r->worker, "message_len",
		(json_int_t)r->message_len, "octets", admin_octets(r->octets, r->copied_len));

	json_object_set_new(object, "rule",
		json_string(rule_name(r->rule < RULES ? (enum rule)r->rule : RULE_NONE)));
	json_object_set_new(object, "drop",
		r->drop != DROP_NONE && r->drop < DROP_REASONS
			? json_string(drop_reason_name((enum drop_reason)r->drop))
			: json_null());
	json_object_set_new(object, "reason",
		r->reason != SIP_OK && r->reason < SIP_REASONS
			? json_string(sip_reason_name((enum sip_reason)r->reason))
			: json_null());
	return object;
}

static bool reader_is_slow;

static bool on_copy(void *arg, const struct ipc_trace_record *record)
{
	if (reader_is_slow && admin_waiting(tracer.conn) > 0)
		return false;
	reader_is_slow = admin_stream(tracer.conn, copy_json(tracer.control, record)) > WAITING_MAX;
	return true;
}

static void on_end(void *arg, const char *why, uint64_t copies, uint64_t lost)
{
	struct admin_conn *conn = tracer.conn;

	tracer.conn = NULL;
	admin_reply(conn,
		json_pack("{s:s, s:I, s:I}", "end", why, "copies", (json_int_t)copies, "lost",
			(json_int_t)lost));
}

static void on_closed(void *arg)
{
	tracer.conn = NULL;
	trace_forget(tracer.control, &tracer);
}

// The one filter that is named. Returns NULL, or the refusal.
static json_t *take_filter(const struct admin_request *request, struct ipc_trace *filter)
{
	const char *call_id = admin_text(request, "call_id");
	const char *from = admin_text(request, "from");
	const char *source = admin_text(request, "source");
	const char *pattern = call_id != NULL ? call_id : from;

	if ((call_id != NULL) + (from != NULL) + (source != NULL) != 1)
		return admin_error(ADMIN_USAGE, "exactly one of call_id, from and source");
	if (source != NULL) {
		filter->field = IPC_TRACE_SOURCE;
		if (ip_addr_parse((struct strv){source, strlen(source)}, &filter->source) < 0)
			return admin_error(ADMIN_USAGE, "source: not an IP address");
		return NULL;
	}
	filter->field = call_id != NULL ? IPC_TRACE_CALL_ID : IPC_TRACE_FROM;
	if (strlen(pattern) == 0 || strlen(pattern) > sizeof(filter->pattern))
		return admin_error(ADMIN_USAGE, "the pattern must have 1 to %zu octets",
			sizeof(filter->pattern));
	filter->pattern_len = (uint32_t)strlen(pattern);
	memcpy(filter->pattern, pattern, filter->pattern_len);
	return NULL;
}

json_t *admin_trace_start(const struct admin_request *request)
{
	struct ipc_trace filter = {0};
	struct trace_sink sink = {on_copy, on_end, &tracer};
	int64_t limit = admin_number(request, "limit", LIMIT_DEFAULT);
	int64_t timeout = admin_number(request, "timeout_s", TIMEOUT_S);
	json_t *error = take_filter(request, &filter);
	int rc;

	if (error != NULL)
		return error;
	if (limit < 1 || limit > LIMIT_MAX || timeout < 1 || timeout > TIMEOUT_MAX_S)
		return admin_error(ADMIN_USAGE, "limit must be 1..%d, timeout_s 1..%d", LIMIT_MAX,
			TIMEOUT_MAX_S);
	filter.limit = (uint32_t)limit;
	rc = trace_start(request->control, &filter, (uint64_t)timeout * 1000, &sink);
	if (rc == -EBUSY)
		return admin_error(ADMIN_REFUSED, "a trace runs already");
	if (rc < 0)
		return admin_error(ADMIN_REFUSED, "no dataplane to trace: %s", strerror(-rc));
	tracer.control = request->control;
	tracer.conn = request->conn;
	reader_is_slow = false;
	admin_on_close(request->conn, on_closed, NULL);
	admin_stream(request->conn, json_pack("{s:b, s:b}", "ok", 1, "trace", 1));
	return NULL;
}

json_t *admin_trace_stop(const struct admin_request *request)
{
	if (!trace_is_running())
		return admin_error(ADMIN_REFUSED, "no trace runs");
	trace_stop(request->control, "stopped");
	return json_object();
}

// SPDX-License-Identifier: BSD-3-Clause
#include "control/admin_command.h"
#include "control/bits.h"

#include "dataplane/dispatch/acl.h"
#include "dataplane/dispatch/decide.h"
#include "dataplane/dispatch/edit.h"
#include "dataplane/dispatch/reply.h"
#include "parser/sip_msg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 65535

static const struct backend *backend_at(const struct control *control, uint16_t index)
{
	for (uint32_t i = 0; i < control->nb_services; i++) {
		const struct service *service = control->services[i];

		for (uint32_t k = 0; k < service->nb_backends; k++) {
			if (service->backends[k]->index == index)
				return service->backends[k];
		}
	}
	return NULL;
}

json_t *admin_candidates_json(const struct control *control, const uint16_t *row, uint16_t chosen)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < SNAPSHOT_CANDIDATES && row[i] != SNAPSHOT_NONE; i++) {
		const struct backend *backend = backend_at(control, row[i]);

		if (backend == NULL)
			continue;
		json_array_append_new(list,
			json_pack("{s:s, s:o, s:s, s:s, s:b, s:b, s:b}", "backend", backend->name,
				"address", admin_endpoint(&backend->addr), "admin",
				admin_state_name(backend->admin), "health",
				backend->config->health_check.method == CONFIG_HEALTH_NONE
					? "unchecked"
					: health_state_name(backend->health.state),
				"fresh", backend->fresh, "pinned", backend->pinned, "chosen",
				row[i] == chosen));
	}
	return list;
}

// What the dataplane holds, for this process's copy of its code.
static void fill_bits(const struct control *control, struct backend_bits *bits)
{
	memset(bits, 0, sizeof(*bits));
	for (uint32_t i = 0; i < control->nb_services; i++) {
		const struct service *service = control->services[i];

		for (uint32_t k = 0; k < service->nb_backends; k++) {
			const struct backend *backend = service->backends[k];
			uint16_t index = backend->index;

			if (index >= SNAPSHOT_BACKENDS_MAX)
				continue;
			bits->fresh[index / 64] |= (uint64_t)backend->fresh << index % 64;
			bits->pinned[index / 64] |= (uint64_t)backend->pinned << index % 64;
		}
	}
}

static uint16_t first_fresh(const struct backend_bits *bits, const uint16_t *row)
{
	for (uint32_t i = 0; i < SNAPSHOT_CANDIDATES; i++) {
		if (row[i] != SNAPSHOT_NONE && backend_bit(bits->fresh, row[i]))
			return row[i];
	}
	return SNAPSHOT_NONE;
}

static bool any_fresh(const struct control *control, const struct service *service)
{
	for (uint32_t i = 0; i < service->nb_backends; i++) {
		if (service->backends[i]->fresh)
			return true;
	}
	return false;
}

static json_t *hex(uint64_t hash)
{
	char text[17];

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)hash);
	return json_string(text);
}

json_t *admin_where(const struct admin_request *request)
{
	const struct control *control = request->control;
	const struct snapshot *snapshot = control->dataplane.snapshot;
	const struct snapshot_service *entry;
	struct service *service;
	struct backend_bits bits;
	json_t *error = NULL;
	const uint16_t *row;
	uint16_t chosen;
	uint64_t digest;
	const char *rule, *note;

	service = admin_get_service(request, request->args[0], &error);
	if (service == NULL)
		return error;
	if (strcmp(request->args[1], "call-id") != 0)
		return admin_error(
			ADMIN_USAGE, "\"%s\": only call-id can be looked up", request->args[1]);
	if (snapshot == NULL || service->index == SNAPSHOT_NONE)
		return admin_error(ADMIN_REFUSED, "no snapshot is published");
	entry = snapshot_service(snapshot, service->index);
	digest = snapshot_call_digest(
		snapshot, (struct strv){request->args[2], strlen(request->args[2])});
	row = snapshot_row(snapshot, &entry->table, digest);
	fill_bits(control, &bits);
	chosen = first_fresh(&bits, row);
	rule = chosen != SNAPSHOT_NONE ? "table" : "none";
	note = "same on every node with this table";
	if (entry->hash_key != HASH_CALL_ID)
		note = "this service does not hash by Call-ID";
	if (chosen == SNAPSHOT_NONE) {
		rule = any_fresh(control, service) ? "rescue" : "none";
		note = any_fresh(control, service)
			? "no candidate of the row is usable: the best usable of all is taken"
			: "no backend of the service is usable";
	}
	return json_pack("{s:s, s:s, s:s, s:o, s:I, s:I, s:o, s:I, s:o, s:o, s:s, s:s}", "service",
		service->name, "key", "call-id", "value", request->args[2], "digest", hex(digest),
		"row", (json_int_t)(digest & (entry->table.nb - 1)), "rows",
		(json_int_t)entry->table.nb, "table_hash", admin_hash(entry->table_hash),
		"generation", (json_int_t)snapshot->generation, "candidates",
		admin_candidates_json(control, row, chosen), "chosen",
		chosen != SNAPSHOT_NONE ? json_string(snapshot_backend(snapshot, chosen)->name)
					: json_null(),
		"rule", rule, "note", note);
}

// ---- A whole message ----------------------------------------------------------------------------

static int parse_endpoint(const char *text, struct endpoint *ep)
{
	const char *colon = strrchr(text, ':');
	char *end;
	long port;

	*ep = (struct endpoint){0};
	if (colon == NULL)
		return -EBADMSG;
	port = strtol(colon + 1, &end, 10);
	if (*end != '\0' || port < 1 || port > 65535)
		return -EBADMSG;
	ep->port = (uint16_t)port;
	return ip_addr_parse((struct strv){text, (size_t)(colon - text)}, &ep->ip);
}

struct explained {
	const struct control *control;
	const struct snapshot *snapshot;
	struct backend_bits bits;
	struct sip_msg msg;
	enum sip_reason reason;
	struct decide_ctx ctx;
	struct decide_in in;
	struct decision decision;
};

// The message as it would be sent. null for what is not sent.
static json_t *result_json(const struct explained *e)
{
	char *out = malloc(MESSAGE_MAX + EDIT_TEXT_MAX + REPLY_GROWTH_MAX);
	json_t *result = json_null();
	int len;

	if (out == NULL)
		return result;
	if (e->decision.action == ACTION_FORWARD && !e->decision.edits.overflow) {
		len = (int)edit_apply(&e->msg, &e->decision.edits, out);
		result = admin_octets(out, (size_t)len);
	} else if (e->decision.action == ACTION_REPLY) {
		len = reply_build(
			&e->ctx, &e->in, &e->decision, out, MESSAGE_MAX + REPLY_GROWTH_MAX);
		if (len > 0)
			result = admin_octets(out, (size_t)len);
	}
	free(out);
	return result;
}

static json_t *listener_json(const struct explained *e, uint16_t listener)
{
	if (listener >= e->snapshot->listeners.nb)
		return json_null();
	return admin_endpoint(&snapshot_listener(e->snapshot, listener)->local);
}

static void set_row(json_t *object, const struct explained *e)
{
	const struct decision *d = &e->decision;
	bool by_table = d->rule == RULE_TABLE || d->rule == RULE_RESCUE;
	const struct snapshot_service *service;

	json_object_set_new(object, "row", json_null());
	json_object_set_new(object, "candidates", json_array());
	json_object_set_new(object, "digest", json_null());
	if (!by_table || d->service >= e->snapshot->services.nb)
		return;
	service = snapshot_service(e->snapshot, d->service);
	json_object_set_new(
		object, "row", json_integer((json_int_t)(d->row_hash & (service->table.nb - 1))));
	json_object_set_new(object, "digest", hex(d->row_hash));
	json_object_set_new(object, "candidates",
		admin_candidates_json(e->control,
			snapshot_row(e->snapshot, &service->table, d->row_hash), d->backend));
}

static json_t *explained_json(const struct explained *e)
{
	const struct decision *d = &e->decision;
	bool sent = d->action == ACTION_FORWARD || d->action == ACTION_REPLY;
	json_t *object =
		json_pack("{s:b, s:o, s:I, s:s, s:s}", "parsed", e->reason == SIP_OK, "reason",
			e->reason == SIP_OK ? json_null() : json_string(sip_reason_name(e->reason)),
			"offset", (json_int_t)e->msg.error_off, "action",
			admin_action_name(d->action), "rule", rule_name((enum rule)d->rule));

	json_object_set_new(object, "drop",
		d->action == ACTION_DROP ? json_string(drop_reason_name((enum drop_reason)d->drop))
					 : json_null());
	json_object_set_new(object, "status",
		d->action == ACTION_REPLY ? json_integer(d->reply_status) : json_null());
	json_object_set_new(object, "service",
		d->service < e->snapshot->services.nb
			? json_string(snapshot_service(e->snapshot, d->service)->name)
			: json_null());
	json_object_set_new(object, "backend",
		d->backend < e->snapshot->backends.nb
			? json_string(snapshot_backend(e->snapshot, d->backend)->name)
			: json_null());
	json_object_set_new(object, "from", sent ? listener_json(e, d->from) : json_null());
	json_object_set_new(object, "to", sent ? admin_endpoint(&d->to) : json_null());
	json_object_set_new(object, "result", result_json(e));
	json_object_set_new(object, "note",
		json_string(e->reason != SIP_OK
				? sip_reason_text(e->reason)
				: "without the workers' transaction caches and bindings"));
	set_row(object, e);
	return object;
}

// What the dataplane asks before it decides: backends may always send.
static bool is_admitted(const struct explained *e)
{
	return snapshot_find_backend_addr(e->snapshot, &e->in.source) != SNAPSHOT_NONE ||
		acl_permits(e->snapshot, e->in.listener, &e->in.source.ip);
}

static void explain(struct explained *e, const char *message, size_t len)
{
	e->reason = sip_parse(&e->msg, message, len);
	e->in.msg = &e->msg;
	fill_bits(e->control, &e->bits);
	e->ctx = (struct decide_ctx){
		.snap = e->snapshot,
		.bits = &e->bits,
		.now_ms = (uint64_t)control_now_ms(),
	};
	e->decision.backend = e->decision.service = e->decision.from = SNAPSHOT_NONE;
	if (!is_admitted(e))
		e->decision = (struct decision){
			.action = ACTION_DROP,
			.drop = DROP_ACL,
			.service = snapshot_listener(e->snapshot, e->in.listener)->service,
			.backend = SNAPSHOT_NONE,
			.from = SNAPSHOT_NONE,
		};
	else if (e->reason == SIP_OK)
		decide(&e->ctx, &e->in, &e->decision);
	else
		decide_unparsable(&e->ctx, &e->in, e->reason, &e->decision);
}

// The index of the port with this name. Returns -ENOENT when there is none.
static int find_port(const struct snapshot *snapshot, const char *name)
{
	for (uint16_t i = 0; i < snapshot->ports.nb; i++) {
		if (strcmp(SNAPSHOT_AT(snapshot, ports, snapshot_port, i)->name, name) == 0)
			return i;
	}
	return -ENOENT;
}

// Fills in e->in. Returns NULL, or the refusal.
static json_t *take_sides(const struct admin_request *request, struct explained *e)
{
	const char *source = admin_text(request, "source");
	const char *listener = admin_text(request, "listener");
	const char *port = admin_text(request, "port");
	struct endpoint ep;
	int index;

	if (e->snapshot == NULL || e->snapshot->listeners.nb == 0)
		return admin_error(ADMIN_REFUSED, "no snapshot is published");
	if (listener != NULL) {
		if (parse_endpoint(listener, &ep) < 0)
			return admin_error(ADMIN_USAGE, "listener: not ADDRESS:PORT");
		e->in.listener = snapshot_find_listener(e->snapshot, &ep);
		if (e->in.listener == SNAPSHOT_NONE)
			return admin_error(ADMIN_REFUSED, "there is no listener %s", listener);
	}
	e->in.port = SNAPSHOT_NONE;
	if (port != NULL) {
		index = find_port(e->snapshot, port);
		if (index < 0)
			return admin_error(ADMIN_REFUSED, "there is no port %s", port);
		e->in.port = (uint16_t)index;
	}
	if (source == NULL)
		source = snapshot_listener(e->snapshot, e->in.listener)->local.ip.family == 4
			? "192.0.2.1:5060"
			: "[2001:db8::1]:5060";
	if (parse_endpoint(source, &e->in.source) < 0)
		return admin_error(ADMIN_USAGE, "source: not ADDRESS:PORT");
	return NULL;
}

json_t *admin_where_message(const struct admin_request *request)
{
	static struct explained e;
	const char *encoded = admin_text(request, "message");
	uint8_t *octets = NULL;
	char *padded = NULL;
	json_t *answer;
	size_t len;

	memset(&e, 0, sizeof(e));
	e.control = request->control;
	e.snapshot = request->control->dataplane.snapshot;
	answer = take_sides(request, &e);
	if (answer != NULL)
		return answer;
	if (encoded != NULL)
		octets = admin_decode(encoded, &len);
	if (octets == NULL || len > MESSAGE_MAX) {
		free(octets);
		return admin_error(ADMIN_USAGE, "message: not base64 of one datagram");
	}
	padded = calloc(1, len + 2 * SIP_PAD);
	if (padded != NULL) {
		memcpy(padded + SIP_PAD, octets, len);
		explain(&e, padded + SIP_PAD, len);
		answer = explained_json(&e);
	}
	free(padded);
	free(octets);
	return answer;
}

// SPDX-License-Identifier: BSD-3-Clause
#include "control/admin_command.h"
#include "control/cluster.h"
#include "control/registrations.h"

#include <stdio.h>
#include <string.h>

#define LIST_LIMIT 1000

// ---- Registrations ------------------------------------------------------------------------------

// Octets that a phone chose: what is not UTF-8 is shown as '?', JSON has no other way.
static json_t *foreign_text(const char *text, size_t len)
{
	json_t *string = json_stringn(text, len);
	char copy[1024];

	if (string != NULL)
		return string;
	len = len < sizeof(copy) ? len : sizeof(copy);
	for (size_t i = 0; i < len; i++)
		copy[i] = (signed char)text[i] < 0 ? '?' : text[i];
	return json_stringn(copy, len);
}

static json_t *registration_json(const struct registration *r)
{
	char aor[REGISTRATIONS_AOR_MAX + 8];
	const char *slash = strchr(r->backend, '/');
	size_t service = slash != NULL ? (size_t)(slash - r->backend) : 0;
	int len = snprintf(aor, sizeof(aor), "sip:%.*s%s%.*s", (int)r->user.len, r->user.ptr,
		r->user.len > 0 ? "@" : "", (int)r->host.len, r->host.ptr);

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:f, s:o, s:b}", "aor",
		foreign_text(aor, (size_t)len), "contact",
		foreign_text(r->contact.ptr, r->contact.len), "service",
		service > 0 ? json_stringn(r->backend, service) : json_null(), "backend",
		admin_string(slash != NULL ? slash + 1 : r->backend), "flow",
		admin_endpoint(&r->flow), "expires_s", r->expires_s, "node", admin_string(r->node),
		"stale", r->stale);
}

struct listing {
	json_t *list;
	size_t limit;
};

static bool list_one(const struct registration *registration, void *arg)
{
	struct listing *listing = arg;

	json_array_append_new(listing->list, registration_json(registration));
	return json_array_size(listing->list) < listing->limit;
}

json_t *admin_registration_list(const struct admin_request *request)
{
	const struct registrations *registrations = request->control->registrations;
	int64_t limit = admin_number(request, "limit", LIST_LIMIT);
	struct listing listing;

	if (limit < 1)
		return admin_error(ADMIN_USAGE, "limit is out of range");
	listing = (struct listing){json_array(), (size_t)limit};
	registrations_each(registrations, list_one, &listing);
	return json_pack("{s:I, s:f, s:o}", "total",
		(json_int_t)registrations_stats(registrations).nb, "stale_s",
		registrations_stale_s(registrations), "registrations", listing.list);
}

// "sip:alice@example.com", "alice@example.com" or "example.com"; port and parameters do not count.
static void split_aor(const char *aor, struct strv *user, struct strv *host)
{
	const char *at;

	if (strncasecmp(aor, "sip:", 4) == 0)
		aor += 4;
	else if (strncasecmp(aor, "sips:", 5) == 0)
		aor += 5;
	at = strrchr(aor, '@');
	*user = (struct strv){aor, at != NULL ? (size_t)(at - aor) : 0};
	if (at != NULL)
		aor = at + 1;
	*host = (struct strv){aor, aor[0] == '[' ? strcspn(aor, "]") : strcspn(aor, ":;?")};
	if (aor[0] == '[' && aor[host->len] == ']')
		host->len++;
}

json_t *admin_registration_show(const struct admin_request *request)
{
	struct listing listing = {json_array(), SIZE_MAX};
	struct strv user, host;

	split_aor(request->args[0], &user, &host);
	registrations_find(request->control->registrations, user, host, list_one, &listing);
	if (json_array_size(listing.list) == 0) {
		json_decref(listing.list);
		return admin_error(ADMIN_REFUSED, "\"%s\" is not registered", request->args[0]);
	}
	return json_pack("{s:s, s:o}", "aor", request->args[0], "bindings", listing.list);
}

// ---- Nodes --------------------------------------------------------------------------------------

static json_t *node_json(const struct cluster_node *node)
{
	json_t *tables = json_object();

	for (uint32_t i = 0; i < node->nb_tables; i++)
		json_object_set_new(
			tables, node->tables[i].service, admin_hash(node->tables[i].hash));
	return json_pack("{s:s, s:b, s:s, s:o, s:o, s:I, s:o, s:b}", "name", node->name, "self",
		node->self, "state", cluster_node_state_name(node->state), "last_seen_s",
		node->self ? json_real(0)
			   : json_real((double)(control_now_ms() - node->seen_ms) / 1000),
		"config_digest", admin_hash(node->config_digest), "generation",
		(json_int_t)node->generation, "tables", tables, "agrees", node->agrees);
}

json_t *admin_node_list(const struct admin_request *request)
{
	const struct cluster *cluster = request->control->cluster;
	json_t *list = json_array();

	for (uint32_t i = 0; i < cluster_nb_nodes(cluster); i++)
		json_array_append_new(list, node_json(cluster_node(cluster, i)));
	return json_pack("{s:o}", "nodes", list);
}

json_t *admin_redis_json(const struct control *control)
{
	struct cluster_redis_status status;

	if (control->cluster == NULL)
		return json_null();
	cluster_redis_status(control->cluster, &status);
	if (status.state == CLUSTER_REDIS_NONE)
		return json_null();
	return json_pack("{s:s, s:b, s:f, s:o, s:o, s:o, s:I}", "state",
		cluster_redis_state_name(status.state), "stale",
		status.state == CLUSTER_REDIS_STALE, "stale_s", status.stale_s, "since",
		admin_time(status.since_ms), "server", admin_string(status.server), "error",
		admin_string(status.error), "pending", (json_int_t)status.pending);
}

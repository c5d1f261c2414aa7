// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_ADMIN_COMMAND_H
#define CONTROL_ADMIN_COMMAND_H

#include <jansson.h>

#include "control/control.h"

// One request on the admin socket and what answers it.

#define ADMIN_SCHEMA 1
#define ADMIN_ARGS_MAX 4

enum admin_exit {
	ADMIN_REFUSED = 1,
	ADMIN_USAGE = 2,
	ADMIN_TIMED_OUT = 4,
	ADMIN_PARTLY = 5
};

struct admin_conn; // admin.c

struct admin_request {
	struct control *control;
	struct admin_conn *conn;
	const char *args[ADMIN_ARGS_MAX]; // after the command's own words
	uint32_t nb_args;
	const json_t *options; // an object
	char by[64]; // who asks
};

// Returns the answer ("schema" and "ok" are added), or NULL when admin_reply() follows later.
typedef json_t *admin_handler(const struct admin_request *request);

struct admin_command {
	const char *words; // "backend set"
	uint32_t min_args, max_args;
	const char *options; // names allowed, " reason dry_run "; "by" always is
	admin_handler *handler;
};

// The command that starts with these words, and how many words it has; NULL: none.
const struct admin_command *admin_find_command(const json_t *words, uint32_t *nb_words);

// A refusal, as an answer.
json_t *admin_error(enum admin_exit exit, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

// Options; absent or of another type: NULL, fallback, false.
const char *admin_text(const struct admin_request *request, const char *name);
int64_t admin_number(const struct admin_request *request, const char *name, int64_t fallback);
bool admin_flag(const struct admin_request *request, const char *name);

// ---- For answers that come later, or in pieces --------------------------------------------------

// Send the answer to the request under way; the next one may then be read.
void admin_reply(struct admin_conn *conn, json_t *answer);
// Send a line and go on with the same request. Returns the octets that wait to be sent: a reader
// that is slower than the trace must not cost memory without end.
size_t admin_stream(struct admin_conn *conn, json_t *object);
size_t admin_waiting(const struct admin_conn *conn); // octets
// Call fn when the connection is closed by the other side before the answer was given.
typedef void admin_closed_fn(void *arg);
void admin_on_close(struct admin_conn *conn, admin_closed_fn *fn, void *arg);

// ---- Encodings ----------------------------------------------------------------------------------

json_t *admin_time(int64_t wall_ms); // null for 0
json_t *admin_hash(uint64_t hash); // null for 0
json_t *admin_octets(const void *octets, size_t len); // base64
json_t *admin_endpoint(const struct endpoint *ep); // null when family is 0
json_t *admin_string(const char *text); // null for NULL or ""
const char *admin_action_name(uint8_t action); // enum action
// Decode base64 into fresh memory. NULL when it is none.
uint8_t *admin_decode(const char *text, size_t *len);

// ---- Handlers -----------------------------------------------------------------------------------

admin_handler admin_status, admin_ready, admin_version; // admin_status.c
admin_handler admin_service_list, admin_counters; // admin_counters.c
admin_handler admin_backend_list, admin_backend_show, admin_backend_set; // admin_backend.c
admin_handler admin_reload; // admin_config.c
admin_handler admin_config_show, admin_config_diff; // admin_config.c
admin_handler admin_registration_list, admin_registration_show, admin_node_list; // admin_cluster.c
admin_handler admin_where, admin_where_message; // admin_where.c
admin_handler admin_errors_show; // admin_trace.c
admin_handler admin_trace_start, admin_trace_stop; // admin_trace.c

// "access" -> the service; or NULL and *error.
struct service *admin_get_service(
	const struct admin_request *request, const char *name, json_t **error);
struct backend *admin_get_backend(
	const struct admin_request *request, const char *path, json_t **error);

json_t *admin_redis_json(const struct control *control); // null without a redis section
json_t *admin_last_reload_json(const struct control *control);
json_t *admin_candidates_json(const struct control *control, const uint16_t *row, uint16_t chosen);

#endif

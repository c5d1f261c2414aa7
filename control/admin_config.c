// SPDX-License-Identifier: BSD-3-Clause
#include "control/admin_command.h"
#include "control/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pending {
	struct control *control;
	struct admin_conn *conn;
};

static void on_closed(void *arg)
{
	struct pending *pending = arg;

	reload_cancel(pending->control, pending);
	free(pending);
}

static void on_outcome(void *arg, json_t *outcome)
{
	struct pending *pending = arg;

	admin_reply(pending->conn, outcome);
	free(pending);
}

static json_t *start(const struct admin_request *request, bool dry_run)
{
	struct pending *pending = calloc(1, sizeof(*pending));

	if (pending == NULL)
		return NULL;
	pending->control = request->control;
	pending->conn = request->conn;
	// Before the start: the outcome may be there before it returns.
	admin_on_close(request->conn, on_closed, pending);
	reload_start(request->control, dry_run, on_outcome, pending);
	return NULL;
}

json_t *admin_reload(const struct admin_request *request)
{
	return start(request, admin_flag(request, "dry_run"));
}

json_t *admin_config_diff(const struct admin_request *request)
{
	return start(request, true);
}

json_t *admin_config_show(const struct admin_request *request)
{
	const struct control *control = request->control;

	return json_pack("{s:s, s:o, s:o, s:o}", "path", control->config_path, "text",
		admin_string(control->config_text), "digest", admin_hash(control->config->digest),
		"last_reload", admin_last_reload_json(control));
}

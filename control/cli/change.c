// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/cli/client.h"
#include "control/cli/text.h"

// The commands that change something: reload and backend set.

// RFC 3261 section 17.1.1.2: 64*T1, after which no transaction can be left.
#define QUIET_MS 32000
#define POLL_MS 1000

static void print_changes(const json_t *answer, bool dry_run)
{
	size_t index;
	json_t *item;

	json_array_foreach(json_object_get(answer, "changes"), index, item)
	{
		const char *kind = field_text_or(item, "kind", "-");

		if (dry_run)
			text_say("would %s:%*s%s %s", kind,
				strlen(kind) < 7 ? (int)(7 - strlen(kind)) : 0, "",
				field_text_or(item, "object", "-"),
				field_text_or(item, "detail", ""));
		else
			text_say("%s:%*s%s %s", kind,
				strlen(kind) < 7 ? (int)(7 - strlen(kind)) : 0, "",
				field_text_or(item, "object", "-"),
				field_text_or(item, "detail", ""));
	}
}

static void print_move(const json_t *move, bool dry_run)
{
	char *to = NULL;
	size_t size = 0, index;
	FILE *out = open_memstream(&to, &size);
	json_t *item;

	if (out == NULL)
		return;
	json_array_foreach(json_object_get(move, "to"), index, item)
		fprintf(out, "%s%s %.1f%%", index > 0 ? ", " : ": ",
			field_text_or(item, "backend", "-"), field_number(item, "share") * 100);
	fclose(out);
	text_say("%s %.1f%% of the %s table (ideal %.1f%%)%s",
		dry_run ? "would move:  " : "moved: ", field_number(move, "share") * 100,
		field_text_or(move, "service", "-"), field_number(move, "ideal") * 100, to);
	free(to);
}

// Accepted, but there is no dataplane that could decide by it yet.
static bool is_waiting(const json_t *answer)
{
	return json_is_false(json_object_get(answer, "published"));
}

static void print_reload(const json_t *answer, bool dry_run)
{
	const json_t *keys = json_object_get(answer, "needs_restart");
	size_t index;
	json_t *item;

	print_changes(answer, dry_run);
	if (json_array_size(json_object_get(answer, "changes")) == 0 && json_array_size(keys) == 0)
		text_say(dry_run ? "nothing would change" : "nothing changed");
	json_array_foreach(json_object_get(answer, "moves"), index, item)
	{
		if (field_number(item, "share") > 0)
			print_move(item, dry_run);
	}
	json_array_foreach(keys, index, item)
	{
		text_say("needs restart: %s \"%s\" -> \"%s\" (not applied)",
			field_text_or(item, "key", "-"), field_text_or(item, "from", "-"),
			field_text_or(item, "to", "-"));
	}
	if (!dry_run && !is_waiting(answer))
		text_say("generation %" PRId64 " applied in %.0f ms",
			field_integer(answer, "generation"), field_number(answer, "took_ms"));
}

static int reload(struct cli *cli, const char *words, bool dry_run)
{
	json_t *options = json_object();
	json_t *answer;
	int status;

	if (dry_run && strcmp(words, "reload") == 0)
		json_object_set_new(options, "dry_run", json_true());
	status = client_ask(cli, words, options, &answer);
	if (status != CLI_DONE)
		return status;
	if (cli->json)
		client_print_json(answer);
	else
		print_reload(answer, dry_run);
	if (is_waiting(answer))
		status = cli_fail(CLI_PARTLY,
			"the file is accepted; it is applied as soon as a dataplane runs");
	json_decref(answer);
	return status;
}

int cmd_reload(struct cli *cli)
{
	return reload(cli, "reload", cli_value(cli, "dry-run") != NULL);
}

int cmd_config_diff(struct cli *cli)
{
	return reload(cli, "config diff", true);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

// Requests that were sent to the backend so far. Returns a status.
static int count_requests(struct cli *cli, int64_t *requests)
{
	struct cli show = *cli;
	json_t *answer;
	int status;

	show.nb_args = 1;
	status = client_ask(&show, "backend show", NULL, &answer);
	if (status != CLI_DONE)
		return status;
	*requests = field_integer(json_object_get(answer, "backend"), "requests");
	json_decref(answer);
	return CLI_DONE;
}

// Dialogs live in the messages and nobody counts them, so what can be known is that nothing has
// gone to the backend for as long as a transaction may last.
static int wait_until_quiet(struct cli *cli, uint64_t wait_ms)
{
	const struct timespec pause = {.tv_sec = POLL_MS / 1000};
	uint64_t start = now_ms(), quiet_since = start;
	int64_t requests = 0, before;
	char text[TEXT_DURATION_MAX];
	int status = count_requests(cli, &requests);

	while (status == CLI_DONE && now_ms() - quiet_since < QUIET_MS) {
		if (now_ms() - start >= wait_ms)
			return cli_fail(CLI_TIMED_OUT,
				"%s is set to drain, but has not been without a request for %u "
				"seconds yet",
				cli->args[0], QUIET_MS / 1000);
		nanosleep(&pause, NULL);
		before = requests;
		status = count_requests(cli, &requests);
		if (requests != before)
			quiet_since = now_ms();
	}
	if (status != CLI_DONE)
		return status;
	text_duration_format((now_ms() - start) / 1000, text);
	if (!cli->json)
		text_say("%s: no request for %u seconds, drained after %s", cli->args[0],
			QUIET_MS / 1000, text);
	return CLI_DONE;
}

static void print_set(const struct cli *cli, const json_t *answer)
{
	const json_t *backend = json_object_get(answer, "backend");
	const char *admin = field_text_or(backend, "admin", cli->args[1]);
	const char *previous = field_text_or(answer, "previous", "-");

	if (strcmp(admin, previous) == 0)
		text_say("%s: was %s already", cli->args[0], admin);
	else
		text_say("%s: %s -> %s, %.1f%% of new calls go elsewhere now", cli->args[0],
			previous, admin, field_number(answer, "share_moved") * 100);
}

int cmd_backend_set(struct cli *cli)
{
	static const char *const states[] = {"ready", "drain", "maint", NULL};
	const char *state = cli->args[1], *near = text_suggest(state, states);
	const char *reason = cli_value(cli, "reason");
	json_t *options = NULL, *answer;
	uint64_t wait_ms = 0;
	int status = cli_value_duration(cli, "wait", &wait_ms);

	if (status != CLI_DONE)
		return status;
	if (near == NULL || strcmp(near, state) != 0)
		return cli_fail(CLI_USAGE, "\"%s\" is no state%s%s%s allowed: ready, drain, maint",
			state, near != NULL ? ", did you mean \"" : ",", near != NULL ? near : "",
			near != NULL ? "\"?" : "");
	if (strchr(cli->args[0], '/') == NULL)
		return cli_fail(
			CLI_USAGE, "\"%s\" is no backend, write SERVICE/NAME", cli->args[0]);
	if (wait_ms > 0 && strcmp(state, "drain") != 0)
		return cli_fail(CLI_USAGE, "--wait is only for drain");
	if (wait_ms > 0 && wait_ms <= QUIET_MS)
		return cli_fail(CLI_USAGE,
			"--wait %s can never be enough: drained means %u seconds without a request",
			cli_value(cli, "wait"), QUIET_MS / 1000);
	if (reason != NULL)
		options = json_pack("{s:o}", "reason", text_json(strv_from(reason), NULL));
	status = client_ask(cli, "backend set", options, &answer);
	if (status != CLI_DONE)
		return status;
	if (cli->json)
		client_print_json(answer);
	else
		print_set(cli, answer);
	json_decref(answer);
	fflush(stdout);
	return wait_ms > 0 ? wait_until_quiet(cli, wait_ms) : CLI_DONE;
}

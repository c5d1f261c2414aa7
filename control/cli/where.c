// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/cli/client.h"
#include "control/cli/columns.h"
#include "control/cli/message.h"
#include "control/cli/text.h"

// `sipshunt where`: which backend, by which rule, from which table.

static void print_candidates(struct cli *cli, const json_t *list)
{
	static const struct column titles[] = {{"CANDIDATE", false}, {"ADDRESS", false},
		{"ADMIN", false}, {"HEALTH", false}, {"NEW CALLS", false}, {"OWN CALLS", false},
		{"CHOSEN", false}};
	struct columns *table;
	size_t index;
	json_t *item;

	if (json_array_size(list) == 0)
		return;
	table = columns_create(titles, 7);
	json_array_foreach(list, index, item)
	{
		columns_add(table, field_text(item, "backend"));
		columns_add(table, field_text(item, "address"));
		columns_add(table, field_text(item, "admin"));
		columns_add(table, field_text(item, "health"));
		columns_add(table, field_true(item, "fresh") ? "yes" : "no");
		columns_add(table, field_true(item, "pinned") ? "yes" : "no");
		columns_add(table, field_true(item, "chosen") ? "yes" : "");
	}
	if (columns_print(table, stdout, !cli->no_header) != 0)
		cli_fail(0, "out of memory");
	columns_destroy(table);
}

// The candidate that takes over from the chosen one: the first other one that may get new calls.
static const char *next_candidate(const json_t *list)
{
	size_t index;
	json_t *item;

	json_array_foreach(list, index, item) if (!field_true(item, "chosen") &&
		field_true(item, "fresh")) return field_text(item, "backend");
	return NULL;
}

static void print_pair(const char *name, const char *value)
{
	if (value != NULL && value[0] != '\0')
		text_say("%-10s %s", name, value);
}

static void print_key(struct cli *cli, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "candidates");
	const char *chosen = field_text(answer, "chosen"), *next = next_candidate(list);

	if (cli->no_header) {
		print_candidates(cli, list);
		return;
	}
	text_say("row %" PRId64 " of %" PRId64 " -> %s%s%s%s%s%s; same on every node with table %s",
		field_integer(answer, "row"), field_integer(answer, "rows"),
		chosen != NULL ? chosen : "nobody", next != NULL && chosen != NULL ? "; " : "",
		next != NULL && chosen != NULL ? next : "",
		next != NULL && chosen != NULL ? " if " : "",
		next != NULL && chosen != NULL ? chosen : "",
		next != NULL && chosen != NULL ? " is out" : "",
		field_text_or(answer, "table_hash", "-"));
	// By the table there is nothing to add to the line above.
	if (strcmp(field_text_or(answer, "rule", ""), "table") != 0)
		print_pair("note", field_text(answer, "note"));
	print_candidates(cli, list);
}

static void print_octets(const char *octets, size_t len)
{
	for (size_t start = 0; start < len;) {
		const char *end = memchr(octets + start, '\n', len - start);
		size_t next = end != NULL ? (size_t)(end - octets) + 1 : len;

		fputs("   ", stdout);
		text_escape_octets(stdout, (struct strv){octets + start, next - start});
		putchar('\n');
		start = next;
	}
}

static void print_message(struct cli *cli, const json_t *answer)
{
	const char *action = field_text_or(answer, "action", "-");
	char number[24];
	char *result;
	size_t len = 0;

	if (cli->no_header) {
		print_candidates(cli, json_object_get(answer, "candidates"));
		return;
	}
	print_pair("action", action);
	print_pair("rule", field_text(answer, "rule"));
	print_pair("dropped", field_text(answer, "drop"));
	if (field_is_number(answer, "status")) {
		snprintf(number, sizeof(number), "%" PRId64, field_integer(answer, "status"));
		print_pair("status", number);
	}
	print_pair("refused", field_text(answer, "reason"));
	print_pair("service", field_text(answer, "service"));
	print_pair("backend", field_text(answer, "backend"));
	print_pair("from", field_text(answer, "from"));
	print_pair("to", field_text(answer, "to"));
	if (field_is_number(answer, "row")) {
		snprintf(number, sizeof(number), "%" PRId64, field_integer(answer, "row"));
		print_pair("row", number);
	}
	print_pair("note", field_text(answer, "note"));
	print_candidates(cli, json_object_get(answer, "candidates"));
	result = field_octets(answer, "result", &len);
	if (result != NULL && len > 0) {
		puts("as sent:");
		print_octets(result, len);
	}
	free(result);
}

static int message_options(struct cli *cli, json_t **options)
{
	const char *listener = cli_value(cli, "listener"), *source = cli_value(cli, "source");
	const char *port = cli_value(cli, "port");
	struct message message;
	int error = message_read("-", &message);
	char *text;

	if (error == 0 && message.len > 65535) {
		message_fini(&message);
		error = -EFBIG;
	}
	if (error != 0)
		return cli_fail(CLI_REFUSED, "standard input: %s",
			error == -EFBIG ? "more than 65535 bytes, no datagram" : strerror(-error));
	text = base64_encode(message.octets, message.len);
	message_fini(&message);
	if (text == NULL)
		return cli_fail(CLI_REFUSED, "out of memory");
	*options = json_pack("{s:s}", "message", text);
	free(text);
	if (listener != NULL)
		json_object_set_new(*options, "listener", text_json(strv_from(listener), NULL));
	if (port != NULL)
		json_object_set_new(*options, "port", text_json(strv_from(port), NULL));
	if (source != NULL)
		json_object_set_new(*options, "source", text_json(strv_from(source), NULL));
	return CLI_DONE;
}

static int where_message(struct cli *cli)
{
	struct cli ask = *cli;
	json_t *options = NULL, *answer;
	int status = message_options(cli, &options);

	if (status != CLI_DONE)
		return status;
	ask.nb_args = 0;
	status = client_ask(&ask, "where message", options, &answer);
	if (status != CLI_DONE)
		return status;
	if (cli->json)
		client_print_json(answer);
	else
		print_message(cli, answer);
	json_decref(answer);
	return CLI_DONE;
}

int cmd_where(struct cli *cli)
{
	json_t *answer;
	int status;

	if (cli->nb_args == 1 && strcmp(cli->args[0], "-") == 0)
		return where_message(cli);
	if (cli->nb_args != 3)
		return cli_fail(
			CLI_USAGE, "where: either SERVICE call-id VALUE, or - for a message");
	if (cli_value(cli, "listener") != NULL || cli_value(cli, "port") != NULL ||
		cli_value(cli, "source") != NULL)
		return cli_fail(CLI_USAGE, "where: --listener, --port and --source go with -");
	status = client_ask(cli, "where", NULL, &answer);
	if (status != CLI_DONE)
		return status;
	if (cli->json)
		client_print_json(answer);
	else
		print_key(cli, answer);
	json_decref(answer);
	return CLI_DONE;
}

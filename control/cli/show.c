// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/cli/client.h"
#include "control/cli/columns.h"
#include "control/cli/message.h"
#include "control/cli/text.h"
#include "parser/sip_msg.h"

// The commands that print everything about one thing: backend show, counters, config show,
// show errors.

#define PATH_SIZE 256
#define DEPTH_MAX 8 // of nested JSON that is printed

// Names of objects in an array stand in one of these fields.
static const char *item_name(const json_t *item, char number[24], size_t index)
{
	const char *name = field_text(item, "name");

	if (name != NULL)
		return name;
	snprintf(number, 24, "%" PRId64,
		field_is_number(item, "worker") ? field_integer(item, "worker") : (int64_t)index);
	return number;
}

static void add_tree(struct columns *table, const json_t *value, const char *path,
	const char *prefix, bool zeros, unsigned int depth);

static void add_member(struct columns *table, const json_t *value, const char *path,
	const char *name, const char *prefix, bool zeros, unsigned int depth)
{
	char longer[PATH_SIZE];

	snprintf(longer, sizeof(longer), "%s%s%s", path, path[0] != '\0' ? "." : "", name);
	add_tree(table, value, longer, prefix, zeros, depth + 1);
}

// One row "services.access.requests.INVITE  12" for each number or text below `value`.
static void add_tree(struct columns *table, const json_t *value, const char *path,
	const char *prefix, bool zeros, unsigned int depth)
{
	const char *key;
	json_t *item;
	size_t index;
	char number[24];

	if (depth > DEPTH_MAX)
		return;
	if (json_is_object(value)) {
		json_object_foreach((json_t *)value, key, item)
			add_member(table, item, path, key, prefix, zeros, depth);
		return;
	}
	if (json_is_array(value)) {
		json_array_foreach(value, index, item) add_member(
			table, item, path, item_name(item, number, index), prefix, zeros, depth);
		return;
	}
	if (strncmp(path, prefix, strlen(prefix)) != 0)
		return;
	if (!zeros && json_is_number(value) && json_number_value(value) == 0)
		return;
	columns_add(table, path);
	if (json_is_integer(value))
		columns_addf(table, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		columns_addf(table, "%g", json_real_value(value));
	else if (json_is_boolean(value))
		columns_add(table, json_is_true(value) ? "yes" : "no");
	else
		columns_add(table, json_string_value(value));
}

static int print_tree(struct cli *cli, const json_t *value, const char *prefix, bool zeros)
{
	static const struct column titles[] = {{"NAME", false}, {"VALUE", true}};
	static const struct column texts[] = {{"NAME", false}, {"VALUE", false}};
	struct columns *table = columns_create(zeros && prefix[0] == '\0' ? texts : titles, 2);
	int error;

	add_tree(table, value, "", prefix, zeros, 0);
	error = columns_print(table, stdout, !cli->no_header);
	columns_destroy(table);
	return error != 0 ? cli_fail(CLI_REFUSED, "out of memory") : CLI_DONE;
}

int cmd_backend_show(struct cli *cli)
{
	json_t *answer;
	int status;

	if (strchr(cli->args[0], '/') == NULL)
		return cli_fail(
			CLI_USAGE, "\"%s\" is no backend, write SERVICE/NAME", cli->args[0]);
	status = client_ask(cli, "backend show", NULL, &answer);
	if (status != CLI_DONE)
		return status;
	if (cli->json)
		client_print_json(answer);
	else
		status = print_tree(cli, json_object_get(answer, "backend"), "", true);
	json_decref(answer);
	return status;
}

int cmd_counters(struct cli *cli)
{
	struct cli ask = *cli;
	json_t *answer;
	int status;

	ask.nb_args = 0;
	status = client_ask(&ask, "counters", NULL, &answer);
	if (status != CLI_DONE)
		return status;
	if (cli->json) {
		client_print_json(answer);
	} else {
		json_object_del(answer, "schema");
		json_object_del(answer, "ok");
		status = print_tree(cli, answer, cli->nb_args > 0 ? cli->args[0] : "",
			cli_value(cli, "all") != NULL);
	}
	json_decref(answer);
	return status;
}

// The file as it is, but nothing that a terminal acts on.
static void print_lines(const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		text_escape(stdout, (struct strv){text, len});
		putchar('\n');
		text += len + (text[len] == '\n');
	}
}

int cmd_config_show(struct cli *cli)
{
	json_t *answer;
	int status = client_ask(cli, "config show", NULL, &answer);

	if (status != CLI_DONE)
		return status;
	if (cli->json)
		client_print_json(answer);
	else
		print_lines(field_text_or(answer, "text", ""));
	json_decref(answer);
	return CLI_DONE;
}

static const char *reason_text(const char *name)
{
	for (int reason = SIP_OK + 1; reason < SIP_REASONS; reason++)
		if (strcmp(sip_reason_name((enum sip_reason)reason), name) == 0)
			return sip_reason_text((enum sip_reason)reason);
	return name;
}

static void print_error(const json_t *error)
{
	int64_t off = field_integer(error, "offset"), first = field_integer(error, "copied_off");
	size_t len = 0;
	char *octets = field_octets(error, "octets", &len);
	char *text = NULL;

	if (asprintf(&text, "%s %s from %s, %" PRId64 " bytes, byte %" PRId64 ": %s",
		    field_text_or(error, "at", "-"), field_text_or(error, "service", "-"),
		    field_text_or(error, "source", "-"), field_integer(error, "message_len"), off,
		    reason_text(field_text_or(error, "reason", "-"))) >= 0) {
		text_escape(stdout, strv_from(text));
		putchar('\n');
		free(text);
	}
	if (octets != NULL && first >= 0 && off >= first && first <= UINT32_MAX &&
		off <= UINT32_MAX)
		message_print_arrow(
			stdout, (struct strv){octets, len}, (size_t)(off - first), (size_t)first);
	free(octets);
}

int cmd_show_errors(struct cli *cli)
{
	uint32_t last = cli_value(cli, "last") != NULL ? 1 : 0;
	json_t *answer, *error;
	size_t index;
	int status = cli_value_number(cli, "limit", &last);

	if (status != CLI_DONE)
		return status;
	status = client_ask(cli, "errors show",
		last > 0 ? json_pack("{s:I}", "last", (json_int_t)last) : NULL, &answer);
	if (status != CLI_DONE)
		return status;
	if (cli->json) {
		client_print_json(answer);
	} else {
		json_array_foreach(json_object_get(answer, "errors"), index, error)
			print_error(error);
	}
	json_decref(answer);
	return CLI_DONE;
}

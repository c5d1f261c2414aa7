// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/cli/text.h"

#define WORDS_MAX 128
#define SUGGESTIONS_MAX 64
#define TIMEOUT_DEFAULT_MS 5000

struct parser {
	struct cli *cli;
	char **argv;
	int argc, next; // the token to look at
	char *words; // understood so far
	bool no_options; // after "--"
};

int cli_fail(int status, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	fputs("sipshunt: ", stderr);
	// Names come from the command line, files and the daemon.
	text_escape(stderr, strv_from(text != NULL ? text : "out of memory"));
	fputc('\n', stderr);
	free(text);
	return status;
}

static const struct cli_command *find_command(const char *words)
{
	for (const struct cli_command *c = cli_commands; c->words != NULL; c++)
		if (strcmp(c->words, words) == 0)
			return c;
	return NULL;
}

static bool is_prefix(const char *words)
{
	size_t len = strlen(words);

	for (const struct cli_command *c = cli_commands; c->words != NULL; c++)
		if (strncmp(c->words, words, len) == 0 &&
			(c->words[len] == ' ' || c->words[len] == '\0'))
			return true;
	return false;
}

// The words that may follow `words`, as one list "list, set, show", and the nearest to `typed`.
static const char *next_words(const char *words, const char *typed, char *list, size_t size)
{
	static char copies[SUGGESTIONS_MAX][32];
	const char *candidates[SUGGESTIONS_MAX + 1];
	size_t len = strlen(words), nb = 0, used = 0;

	list[0] = '\0';
	for (const struct cli_command *c = cli_commands; c->words != NULL; c++) {
		const char *word = c->words;
		bool known = false;

		if (len > 0) {
			if (strncmp(word, words, len) != 0 || word[len] != ' ')
				continue;
			word += len + 1;
		}
		snprintf(copies[nb], sizeof(copies[nb]), "%.*s", (int)strcspn(word, " "), word);
		for (size_t i = 0; i < nb; i++)
			known |= strcmp(copies[i], copies[nb]) == 0;
		if (known || nb == SUGGESTIONS_MAX - 1)
			continue;
		candidates[nb] = copies[nb];
		if (used < size)
			used += (size_t)snprintf(
				list + used, size - used, "%s%s", nb > 0 ? ", " : "", copies[nb]);
		nb++;
	}
	candidates[nb] = NULL;
	return typed != NULL ? text_suggest(typed, candidates) : NULL;
}

static int unknown_word(const char *words, const char *typed)
{
	char list[512];
	const char *near = next_words(words, typed, list, sizeof(list));
	const char *space = words[0] != '\0' ? " " : "";

	if (near != NULL)
		return cli_fail(CLI_USAGE, "unknown command \"%s%s%s\", did you mean \"%s%s%s\"?",
			words, space, typed, words, space, near);
	return cli_fail(
		CLI_USAGE, "unknown command \"%s%s%s\", there is: %s", words, space, typed, list);
}

static int needs_word(const char *words)
{
	char list[512];

	next_words(words, NULL, list, sizeof(list));
	return cli_fail(CLI_USAGE, "\"%s\" needs one more word: %s", words, list);
}

static const struct cli_option *find_option(
	const struct cli_option *options, const char *name, size_t len, char letter)
{
	for (; options != NULL && options->name != NULL; options++) {
		if (letter != 0 && options->letter == letter)
			return options;
		if (letter == 0 && strlen(options->name) == len &&
			strncmp(options->name, name, len) == 0)
			return options;
	}
	return NULL;
}

static int set_global(struct cli *cli, const struct cli_option *option, const char *value)
{
	if (strcmp(option->name, "socket") == 0)
		cli->socket = value;
	else if (strcmp(option->name, "json") == 0)
		cli->json = true;
	else if (strcmp(option->name, "no-header") == 0)
		cli->no_header = true;
	else if (strcmp(option->name, "help") == 0)
		cli->help = true;
	else if (strcmp(option->name, "version") == 0)
		cli->version = true;
	else if (text_duration_parse(value, &cli->timeout_ms) != 0 || cli->timeout_ms == 0)
		return cli_fail(CLI_USAGE, "--%s \"%s\" is not a duration such as 500ms, 5s or 2m",
			option->name, value);
	return CLI_DONE;
}

static int unknown_option(const struct parser *p, const char *token)
{
	const char *names[CLI_OPTIONS_MAX + 16];
	size_t nb = 0;
	const char *near;

	if (p->cli->command != NULL)
		for (const struct cli_option *o = p->cli->command->options; o != NULL && o->name;
			o++)
			names[nb++] = o->name;
	for (const struct cli_option *o = cli_global_options; o->name != NULL; o++)
		names[nb++] = o->name;
	names[nb] = NULL;
	near = strncmp(token, "--", 2) == 0 ? text_suggest(token + 2, names) : NULL;
	if (near != NULL)
		return cli_fail(
			CLI_USAGE, "unknown option \"%s\", did you mean \"--%s\"?", token, near);
	return cli_fail(CLI_USAGE, "unknown option \"%s\"%s%s%s, see \"sipshunt help%s%s\"", token,
		p->cli->command != NULL ? " of \"" : "",
		p->cli->command != NULL ? p->cli->command->words : "",
		p->cli->command != NULL ? "\"" : "", p->words[0] != '\0' ? " " : "", p->words);
}

// Take an option whose value, if it needs one, is `value` or the next token.
static int take_option(
	struct parser *p, const struct cli_option *option, bool global, const char *value)
{
	struct cli *cli = p->cli;

	if (option->value == NULL && value != NULL)
		return cli_fail(CLI_USAGE, "--%s takes no value", option->name);
	if (option->value != NULL && value == NULL) {
		if (p->next == p->argc)
			return cli_fail(
				CLI_USAGE, "--%s needs a value: %s", option->name, option->value);
		value = p->argv[p->next++];
	}
	if (global)
		return set_global(cli, option, value);
	cli->values[option - cli->command->options] = value != NULL ? value : "";
	return CLI_DONE;
}

static int take_long(struct parser *p, const char *token)
{
	const struct cli_option *own = p->cli->command != NULL ? p->cli->command->options : NULL;
	const char *name = token + 2;
	const char *equals = strchr(name, '=');
	size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
	const char *value = equals != NULL ? equals + 1 : NULL;
	const struct cli_option *option = find_option(own, name, len, 0);

	if (option != NULL)
		return take_option(p, option, false, value);
	option = find_option(cli_global_options, name, len, 0);
	if (option != NULL)
		return take_option(p, option, true, value);
	return unknown_option(p, token);
}

// "-j", "-s PATH", "-sPATH", "-js PATH".
static int take_short(struct parser *p, const char *token)
{
	const struct cli_option *own = p->cli->command != NULL ? p->cli->command->options : NULL;

	for (const char *letter = token + 1; *letter != '\0'; letter++) {
		const struct cli_option *option = find_option(own, NULL, 0, *letter);
		bool global = option == NULL;
		const char *value = NULL;
		int status;

		if (global)
			option = find_option(cli_global_options, NULL, 0, *letter);
		if (option == NULL)
			return unknown_option(p, token);
		if (option->value != NULL && letter[1] != '\0')
			value = letter + 1;
		status = take_option(p, option, global, value);
		if (status != CLI_DONE || value != NULL)
			return status;
	}
	return CLI_DONE;
}

static int take_word(struct parser *p, const char *token)
{
	struct cli *cli = p->cli;
	char words[WORDS_MAX];
	int len = snprintf(
		words, sizeof(words), "%s%s%s", p->words, p->words[0] != '\0' ? " " : "", token);

	if (cli->nb_args == 0 && strchr(token, ' ') == NULL && len > 0 && len < WORDS_MAX &&
		is_prefix(words)) {
		memcpy(p->words, words, (size_t)len + 1);
		cli->command = find_command(words);
		return CLI_DONE;
	}
	if (cli->command == NULL)
		return unknown_word(p->words, token);
	cli->args[cli->nb_args++] = token;
	return CLI_DONE;
}

static int check_args(const struct cli *cli)
{
	const struct cli_command *command = cli->command;

	if (cli->nb_args < command->min_args)
		return cli_fail(CLI_USAGE, "%s: too few arguments: sipshunt %s %s", command->words,
			command->words, command->args);
	if (cli->nb_args > command->max_args)
		return cli_fail(CLI_USAGE, "%s: unexpected argument \"%s\": sipshunt %s %s",
			command->words, cli->args[command->max_args], command->words,
			command->args);
	return CLI_DONE;
}

int cli_parse(int argc, char **argv, const char **args, char words[128], struct cli *cli)
{
	struct parser p = {.cli = cli, .argv = argv, .argc = argc, .next = 1, .words = words};

	*cli = (struct cli){.args = args, .timeout_ms = TIMEOUT_DEFAULT_MS, .typed = words};
	words[0] = '\0';
	while (p.next < p.argc) {
		const char *token = p.argv[p.next++];
		int status;

		if (p.no_options || token[0] != '-' || token[1] == '\0')
			status = take_word(&p, token);
		else if (strcmp(token, "--") == 0)
			status = (p.no_options = true, CLI_DONE);
		else if (token[1] == '-')
			status = take_long(&p, token);
		else
			status = take_short(&p, token);
		if (status != CLI_DONE)
			return status;
	}
	if (cli->help || cli->version)
		return CLI_DONE;
	if (words[0] == '\0')
		return cli_fail(CLI_USAGE, "no command given, see \"sipshunt help\"");
	if (cli->command == NULL)
		return needs_word(words);
	return check_args(cli);
}

const char *cli_value(const struct cli *cli, const char *name)
{
	const struct cli_option *options = cli->command->options;

	for (unsigned int i = 0; options != NULL && options[i].name != NULL; i++)
		if (strcmp(options[i].name, name) == 0)
			return cli->values[i];
	return NULL;
}

int cli_value_duration(const struct cli *cli, const char *name, uint64_t *ms)
{
	const char *value = cli_value(cli, name);

	if (value == NULL)
		return CLI_DONE;
	if (text_duration_parse(value, ms) == 0 && *ms > 0)
		return CLI_DONE;
	return cli_fail(CLI_USAGE, "%s: --%s \"%s\" is not a duration such as 500ms, 60s or 2h",
		cli->command->words, name, value);
}

int cli_value_number(const struct cli *cli, const char *name, uint32_t *number)
{
	const char *value = cli_value(cli, name);
	unsigned long long parsed;
	char *end;

	if (value == NULL)
		return CLI_DONE;
	errno = 0;
	parsed = strtoull(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || parsed == 0 ||
		parsed > UINT32_MAX)
		return cli_fail(CLI_USAGE, "%s: --%s \"%s\" is not a number from 1 to 4294967295",
			cli->command->words, name, value);
	*number = (uint32_t)parsed;
	return CLI_DONE;
}

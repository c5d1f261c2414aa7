// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/cli.h"

#include <stdio.h>
#include <string.h>

#define WRAP 80

// The sentences that help and the man page share.
static const char about[] =
	"sipshunt is a kernel-bypass load balancer for SIP. This command checks "
	"configurations and messages, starts the balancer for a first try, and talks to "
	"a running one.";

static const struct {
	const char *status, *meaning;
} exits[] = {
	{"0", "done"},
	{"1", "refused; stderr says why"},
	{"2", "the command line was not understood"},
	{"3", "no control process answers on the admin socket"},
	{"4", "timed out"},
	{"5", "partly done; stderr says what was not"},
};

static bool starts_with(const char *words, const char *prefix)
{
	size_t len = strlen(prefix);

	return len == 0 ||
		(strncmp(words, prefix, len) == 0 && (words[len] == ' ' || words[len] == '\0'));
}

// Print text wrapped at column WRAP, each line after `indent` blanks; an empty line splits
// paragraphs.
static void print_wrapped(const char *text, unsigned int indent)
{
	unsigned int column = 0;

	while (*text != '\0') {
		size_t len = strcspn(text, " \n");

		if (column > 0 && column + 1 + len > WRAP) {
			putchar('\n');
			column = 0;
		}
		if (column == 0)
			column = (unsigned int)printf("%*s", (int)indent, "");
		else
			column += (unsigned int)printf(" ");
		column += (unsigned int)printf("%.*s", (int)len, text);
		text += len;
		if (strncmp(text, "\n\n", 2) == 0) {
			printf("\n\n");
			column = 0;
			text += 2;
		} else if (*text != '\0') {
			text++;
		}
	}
	putchar('\n');
}

static void print_options(const struct cli_option *options)
{
	for (; options != NULL && options->name != NULL; options++) {
		char left[64];
		int len = 0;

		if (options->letter != 0)
			len = snprintf(left, sizeof(left), "-%c, ", options->letter);
		snprintf(left + len, sizeof(left) - (size_t)len, "--%s%s%s", options->name,
			options->value != NULL ? " " : "",
			options->value != NULL ? options->value : "");
		printf("  %-28s  %s\n", left, options->help);
	}
}

static void print_command(const struct cli_command *command)
{
	printf("usage: sipshunt %s%s%s%s\n\n", command->words, command->args[0] != '\0' ? " " : "",
		command->args, command->options != NULL ? " [options]" : "");
	print_wrapped(command->summary, 0);
	if (command->details != NULL) {
		putchar('\n');
		print_wrapped(command->details, 0);
	}
	if (command->options != NULL) {
		printf("\noptions:\n");
		print_options(command->options);
	}
	printf("\nand for every command:\n");
	print_options(cli_global_options);
}

static void print_overview(const char *words)
{
	printf("usage: sipshunt %s%sCOMMAND [arguments] [options]\n\n", words,
		words[0] != '\0' ? " " : "");
	if (words[0] == '\0') {
		print_wrapped(about, 0);
		putchar('\n');
	}
	printf("commands:\n");
	for (const struct cli_command *c = cli_commands; c->words != NULL; c++)
		if (starts_with(c->words, words))
			printf("  %-20s  %s\n", c->words, c->summary);
	printf("\noptions for every command:\n");
	print_options(cli_global_options);
	printf("\nexit status:\n");
	for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++)
		printf("  %s  %s\n", exits[i].status, exits[i].meaning);
	printf("\n\"sipshunt help COMMAND\" explains one command.\n");
}

void cli_help(const char *words)
{
	for (const struct cli_command *c = cli_commands; c->words != NULL; c++) {
		if (strcmp(c->words, words) == 0) {
			print_command(c);
			return;
		}
	}
	print_overview(words);
}

// troff gives a meaning to backslashes, to a leading dot or quote, and makes typographic dashes.
static void man_text(const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\\')
			fputs("\\e", stdout);
		else if (*p == '-')
			fputs("\\-", stdout);
		else if (p == text && (*p == '.' || *p == '\''))
			printf("\\&%c", *p);
		else if (p[0] == '\n' && p[1] == '\n')
			fputs("\n.IP\n", stdout), p++;
		else
			putchar(*p);
	}
}

static void man_line(const char *macro, const char *text)
{
	printf("%s", macro);
	man_text(text);
	putchar('\n');
}

static void man_options(const struct cli_option *options)
{
	for (; options != NULL && options->name != NULL; options++) {
		printf(".TP\n");
		if (options->letter != 0)
			printf("\\fB\\-%c\\fR, ", options->letter);
		printf("\\fB\\-\\-");
		man_text(options->name);
		printf("\\fR");
		if (options->value != NULL) {
			printf(" \\fI");
			man_text(options->value);
			printf("\\fR");
		}
		putchar('\n');
		man_line("", options->help);
	}
}

static void man_commands(void)
{
	for (const struct cli_command *c = cli_commands; c->words != NULL; c++) {
		printf(".TP\n\\fB");
		man_text(c->words);
		printf("\\fR");
		if (c->args[0] != '\0') {
			printf(" \\fI");
			man_text(c->args);
			printf("\\fR");
		}
		putchar('\n');
		printf("%c",
			c->summary[0] >= 'a' && c->summary[0] <= 'z' ? c->summary[0] - 32
								     : c->summary[0]);
		man_text(c->summary + 1);
		printf(".\n");
		if (c->details != NULL) {
			printf(".IP\n");
			man_line("", c->details);
		}
		if (c->options != NULL) {
			printf(".RS\n");
			man_options(c->options);
			printf(".RE\n");
		}
	}
}

static void print_man(void)
{
	printf(".\\\" Generated by \"sipshunt help --man\".\n");
	printf(".TH SIPSHUNT 1 \"\" \"sipshunt " SIPSHUNT_VERSION "\" \"sipshunt\"\n");
	printf(".SH NAME\nsipshunt \\- check, start, watch and steer the SIP load balancer\n");
	printf(".SH SYNOPSIS\n.B sipshunt\n.RI [ options ]\n.I command\n.RI [ arguments ]\n");
	printf(".SH DESCRIPTION\n");
	man_line("", about);
	man_line(".PP\n",
		"Tables are for people and may gain columns at their end; scripts take --json, "
		"or --no-header, which prints one tab between cells.");
	printf(".SH COMMANDS\n");
	man_commands();
	printf(".SH OPTIONS\nFor every command:\n");
	man_options(cli_global_options);
	printf(".SH EXIT STATUS\n");
	for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++)
		printf(".TP\n.B %s\n%s\n", exits[i].status, exits[i].meaning);
	printf(".SH ENVIRONMENT\n.TP\n.B SIPSHUNT_SOCK\nThe admin socket, when "
	       "\\fB\\-\\-socket\\fR is "
	       "not given.\n");
	printf(".SH FILES\n.TP\n.I " SIPSHUNT_SOCKET "\nThe admin socket.\n");
	printf(".TP\n.I /etc/sipshunt/sipshunt.yaml\nThe configuration.\n");
	printf(".SH SEE ALSO\n.BR sipshunt.yaml (5),\n.BR sipshunt\\-control (8),\n"
	       ".BR sipshunt\\-dataplane (8)\n");
}

// What does not depend on the table of commands. Names of services and backends come from the
// daemon.
static const char completion[] =
	"\t)\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	"\tlocal words='' list='' own='' best='' word line command\n"
	"\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
	"\t\t[[ $word == -* ]] || words=\"${words:+$words }$word\"\n"
	"\tdone\n"
	"\tfor line in \"${commands[@]}\"; do\n"
	"\t\tcommand=${line%%|*}\n"
	"\t\tif [[ \"$command \" == \"${words:+$words }\"?* ]]; then\n"
	"\t\t\tword=${command#\"${words:+$words }\"}\n"
	"\t\t\tlist+=\" ${word%% *}\"\n"
	"\t\tfi\n"
	"\t\tif [[ \"$words \" == \"$command \"* && ${#command} -gt ${#best} ]]; then\n"
	"\t\t\tbest=$command own=${line#*|}\n"
	"\t\tfi\n"
	"\tdone\n"
	"\tcase $prev in\n"
	"\t-c|--config|-s|--socket|--dataplane|--control|--pcap)\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n"
	"\tesac\n"
	"\tcase $words in\n"
	"\tcheck|inspect*|plan*) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
	"\t'backend list'|where|ready)\n"
	"\t\tlist+=\" $(sipshunt service list --no-header -t 300ms 2>/dev/null | cut -f1)\" ;;\n"
	"\t'backend show'|'backend set')\n"
	"\t\tlist+=\" $(sipshunt backend list --no-header -t 300ms 2>/dev/null | cut -f1)\" ;;\n"
	"\t'backend set '*) list+=' ready drain maint' ;;\n"
	"\tesac\n"
	"\t[[ $cur == -* ]] && list=\"$global $own\"\n"
	"\t[[ -z $list ]] || mapfile -t COMPREPLY < <(compgen -W \"$list\" -- \"$cur\" | sort -u)\n"
	"}\n"
	"complete -F _sipshunt sipshunt\n";

static void print_completion_options(const struct cli_option *options)
{
	for (; options != NULL && options->name != NULL; options++)
		printf(" --%s", options->name);
}

static void print_completion(void)
{
	printf("# bash completion for sipshunt; generated by \"sipshunt help --completion\".\n"
	       "# shellcheck shell=bash\n"
	       "_sipshunt()\n{\n\tlocal global='");
	print_completion_options(cli_global_options);
	printf("'\n\tlocal commands=(\n");
	for (const struct cli_command *c = cli_commands; c->words != NULL; c++) {
		printf("\t\t'%s|", c->words);
		print_completion_options(c->options);
		printf("'\n");
	}
	fputs(completion, stdout);
}

int cmd_help(struct cli *cli)
{
	char words[128] = "";
	size_t used = 0;

	if (cli_value(cli, "man") != NULL) {
		print_man();
		return CLI_DONE;
	}
	if (cli_value(cli, "completion") != NULL) {
		print_completion();
		return CLI_DONE;
	}
	for (unsigned int i = 0; i < cli->nb_args && used < sizeof(words); i++)
		used += (size_t)snprintf(
			words + used, sizeof(words) - used, "%s%s", i > 0 ? " " : "", cli->args[i]);
	for (const struct cli_command *c = cli_commands; c->words != NULL; c++) {
		if (starts_with(c->words, words)) {
			cli_help(words);
			return CLI_DONE;
		}
	}
	return cli_fail(CLI_USAGE, "unknown command \"%s\", see \"sipshunt help\"", words);
}

// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>

// The `sipshunt` command: one table of commands (commands.c) that is parsed by args.c and printed
// as help, man page and shell completion by help.c. A command is a function that prints to stdout,
// complains to stderr in one line, and returns the exit status.

#define CLI_SCHEMA 1 // of all JSON that this command prints itself
#define CLI_OPTIONS_MAX 8 // of one command

enum cli_exit {
	CLI_DONE,
	CLI_REFUSED, // understood, not done: stderr says why
	CLI_USAGE, // not understood
	CLI_NO_DAEMON, // nobody answers on the admin socket
	CLI_TIMED_OUT,
	CLI_PARTLY // some of it was done
};

struct cli_option {
	const char *name; // without the dashes; NULL ends a list
	char letter; // 0: none
	const char *value; // what stands for its value in help; NULL: a flag
	const char *help;
};

struct cli;

struct cli_command {
	const char *words; // "backend set"
	const char *args; // as in help: "SERVICE/NAME ready|drain|maint"; "" if none
	unsigned int min_args, max_args;
	const struct cli_option *options; // NULL: none
	const char *summary; // a few words
	const char *details; // paragraphs, separated by an empty line; NULL: none
	int (*run)(struct cli *cli);
};

// One invocation. Strings are those of argv.
struct cli {
	const struct cli_command *command;
	const char **args;
	unsigned int nb_args;
	const char *values[CLI_OPTIONS_MAX]; // of command->options; "" for a flag that is set
	const char *socket; // of the control process
	uint64_t timeout_ms; // to wait for the daemon
	bool json, no_header;
	bool help, version; // asked for
	const char *typed; // words that were understood before --help: "", "backend"
};

extern const struct cli_command cli_commands[]; // ends with words NULL
extern const struct cli_option cli_global_options[];

// Understand a command line. `args` has room for argc pointers and `words` for 128 octets; both
// must live as long as *cli. Returns CLI_DONE, or CLI_USAGE after saying why on stderr.
int cli_parse(int argc, char **argv, const char **args, char words[128], struct cli *cli);

// The value of an option of this command, "" for a flag, NULL when it was not given.
const char *cli_value(const struct cli *cli, const char *name);

// Complain on stderr in one line, "sipshunt: ...". Returns `status`.
int cli_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The value of a duration option. Returns 0, CLI_USAGE after saying why; *ms is untouched if
// absent.
int cli_value_duration(const struct cli *cli, const char *name, uint64_t *ms);
// The same for a number from 1 on.
int cli_value_number(const struct cli *cli, const char *name, uint32_t *number);

// Load a configuration. NULL after every error was printed on stderr.
struct config;
struct config *cli_load_config(const char *file);

// Print the help of the commands that start with these words, or an overview for "".
void cli_help(const char *words);

// The commands.
int cmd_run(struct cli *cli);
int cmd_check(struct cli *cli);
int cmd_inspect(struct cli *cli);
int cmd_plan(struct cli *cli);
int cmd_version(struct cli *cli);
int cmd_help(struct cli *cli);
int cmd_status(struct cli *cli);
int cmd_reload(struct cli *cli);
int cmd_service_list(struct cli *cli);
int cmd_backend_list(struct cli *cli);
int cmd_backend_show(struct cli *cli);
int cmd_backend_set(struct cli *cli);
int cmd_where(struct cli *cli);
int cmd_registration_list(struct cli *cli);
int cmd_registration_show(struct cli *cli);
int cmd_node_list(struct cli *cli);
int cmd_show_errors(struct cli *cli);
int cmd_trace(struct cli *cli);
int cmd_trace_stop(struct cli *cli);
int cmd_config_diff(struct cli *cli);
int cmd_config_show(struct cli *cli);
int cmd_counters(struct cli *cli);
int cmd_ready(struct cli *cli);

#endif

// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/cli.h"

#include <limits.h>
#include <stddef.h>

// Everything that the command knows. Help, man page, completion and docs come from this table.

const struct cli_option cli_global_options[] = {
	{"socket", 's', "PATH", "admin socket of the control process (else $SIPSHUNT_SOCK)"},
	{"json", 'j', NULL, "print JSON, always with a \"schema\" number"},
	{"no-header", 0, NULL, "print tables for scripts: no header, cells separated by one tab"},
	{"timeout", 't', "DURATION", "how long to wait for the control process (default 5s)"},
	{"help", 'h', NULL, "explain a command"},
	{"version", 'V', NULL, "print the version"},
	{NULL, 0, NULL, NULL},
};

static const struct cli_option run_options[] = {
	{"config", 'c', "FILE", "the configuration (sipshunt.yaml)"},
	{"dataplane", 0, "PATH", "the sipshunt-dataplane program, else the one beside this one"},
	{"control", 0, "PATH", "the sipshunt-control program, likewise"},
	{NULL, 0, NULL, NULL},
};

static const struct cli_option help_options[] = {
	{"man", 0, NULL, "print the man page sipshunt.1"},
	{"completion", 0, NULL, "print the completion for bash"},
	{NULL, 0, NULL, NULL},
};

static const struct cli_option reload_options[] = {
	{"dry-run", 0, NULL, "only say what would change and which share of the calls would move"},
	{NULL, 0, NULL, NULL},
};

static const struct cli_option set_options[] = {
	{"reason", 'r', "TEXT", "kept with the state and shown by \"backend list\""},
	{"wait", 'w', "DURATION",
		"with drain: wait until the backend has been quiet for 32 seconds"},
	{NULL, 0, NULL, NULL},
};

static const struct cli_option where_options[] = {
	{"listener", 0, "ADDRESS:PORT",
		"with -: where the message arrives (default: the first one)"},
	{"port", 0, "NAME",
		"with -: the port it comes in on (default: any, its source is believed)"},
	{"source", 0, "ADDRESS:PORT", "with -: where it comes from (default: 192.0.2.1:5060)"},
	{NULL, 0, NULL, NULL},
};

static const struct cli_option rates_options[] = {
	{"rates", 0, NULL, "measure for a second and print rates instead of totals"},
	{NULL, 0, NULL, NULL},
};

static const struct cli_option list_options[] = {
	{"limit", 'l', "N", "print at most N"},
	{NULL, 0, NULL, NULL},
};

static const struct cli_option errors_options[] = {
	{"last", 0, NULL, "only the last one"},
	{"limit", 'l', "N", "only the last N"},
	{NULL, 0, NULL, NULL},
};

static const struct cli_option trace_options[] = {
	{"call-id", 0, "VALUE", "messages with this Call-ID; a * at the end matches any rest"},
	{"from", 0, "AOR", "messages whose From is this address, user@host"},
	{"source", 0, "ADDRESS", "messages that come from this IP address"},
	{"pcap", 0, "FILE",
		"write pcapng, with rule and drop reason as packet comments; - is stdout"},
	{"limit", 'l', "N", "stop after N messages (default 200)"},
	{"timeout", 't', "DURATION", "stop after this time (default 60s)"},
	{"full", 'f', NULL, "print the whole messages, not only their first lines"},
	{NULL, 0, NULL, NULL},
};

static const struct cli_option counters_options[] = {
	{"all", 'a', NULL, "also those that are 0"},
	{NULL, 0, NULL, NULL},
};

const struct cli_command cli_commands[] = {
	{"run", "-c FILE", 0, 0, run_options, "start both processes in the foreground",
		"Starts sipshunt-dataplane and sipshunt-control, logs to stderr, says \"ready\" "
		"when packets can flow, and stops both on Ctrl-C. For a first try, a lab or a "
		"container; under systemd they are separate units.",
		cmd_run},
	{"check", "FILE", 1, 1, NULL, "check a configuration file",
		"Prints every error as file:line:column: path: what was found, what is allowed. "
		"Needs no running sipshunt. Exits with 0 or 1.",
		cmd_check},
	{"plan", "OLD.yaml NEW.yaml", 2, 2, NULL, "say which share of the calls a change moves",
		"Builds the tables of both files and compares them row by row: which share of "
		"the calls would go to another backend, and the least that any method could move "
		"(ideal). Needs no running sipshunt.",
		cmd_plan},
	{"inspect", "FILE...|-", 1, UINT_MAX, NULL, "show how a SIP message is understood",
		"Prints what the parser reads in a message: one datagram a file, - is standard "
		"input. A refused message is shown around the octet that is to blame. Needs no "
		"running sipshunt. Exits with 0 if all messages are good and 1 if one is "
		"refused.\n\nWith --json one object a line. Octets that are not UTF-8 stand as "
		"U+FFFD there, and \"utf8\" is then false.",
		cmd_inspect},
	{"status", "", 0, 0, NULL, "show how this node is doing", NULL, cmd_status},
	{"reload", "", 0, 0, reload_options, "read the configuration file again",
		"The whole file is checked first; with any error nothing changes. Keys that need "
		"a restart are named and not applied. Exits with 5 when the file was accepted and "
		"no dataplane runs: it is applied as soon as one does.",
		cmd_reload},
	{"service list", "", 0, 0, NULL, "list the services", NULL, cmd_service_list},
	{"backend list", "[SERVICE]", 0, 1, rates_options, "list the backends with their states",
		"HEALTH \"fall 2/3\": still used, two of three bad probes seen; \"rise 1/3\": "
		"not used yet. SLOTS is the share of the lookup table, BY who set the state and "
		"why.",
		cmd_backend_list},
	{"backend show", "SERVICE/NAME", 1, 1, NULL, "show one backend", NULL, cmd_backend_show},
	{"backend set", "SERVICE/NAME ready|drain|maint", 2, 2, set_options,
		"set what the operator wants of a backend",
		"ready: it may get new calls when it is healthy. drain: no new calls, what "
		"belongs to it still goes there. maint: nothing goes there. The state reaches "
		"every node of the cluster and survives reloads and restarts until the "
		"configured value of that backend changes.",
		cmd_backend_set},
	{"where", "SERVICE call-id VALUE | -", 1, 3, where_options,
		"say where a call or a message goes, and why",
		"With a Call-ID: its row, the candidates in order, and which is used now. With "
		"-: reads a message from standard input and explains the decision as the "
		"dataplane takes it.",
		cmd_where},
	{"registration list", "", 0, 0, list_options, "list the learned registrations", NULL,
		cmd_registration_list},
	{"registration show", "AOR", 1, 1, NULL, "show the registrations of one address of record",
		NULL, cmd_registration_show},
	{"node list", "", 0, 0, NULL, "list the nodes of the cluster", NULL, cmd_node_list},
	{"trace", "", 0, 0, trace_options, "show the live messages of matching calls",
		"Prints each matching message as received and as sent, with the rule that was "
		"applied or the reason why it was dropped. Exactly one of --call-id, --from and "
		"--source is needed. When copies cannot be taken fast enough copies are lost, "
		"never calls.",
		cmd_trace},
	{"trace stop", "", 0, 0, NULL, "end the trace that somebody else runs", NULL,
		cmd_trace_stop},
	{"show errors", "", 0, 0, errors_options, "show samples of refused messages",
		"Each with its source, the reason and the octets around the one that is to blame.",
		cmd_show_errors},
	{"counters", "[PREFIX]", 0, 1, counters_options, "show the counters", NULL, cmd_counters},
	{"config show", "", 0, 0, NULL, "show the running configuration, without secrets", NULL,
		cmd_config_show},
	{"config diff", "", 0, 0, NULL, "say what a reload would change", NULL, cmd_config_diff},
	{"ready", "[SERVICE]", 0, 1, NULL, "tell a routing daemon whether to announce a service",
		"Without SERVICE: whether all of them can be served. Exits with 0: announce, 1: "
		"do not announce, 2: cannot tell. Prints one line. Never waits longer than "
		"--timeout, and never for Redis.",
		cmd_ready},
	{"version", "", 0, 0, NULL, "print versions, also of the running processes", NULL,
		cmd_version},
	{"help", "[COMMAND]", 0, 4, help_options, "explain a command", NULL, cmd_help},
	{NULL, NULL, 0, 0, NULL, NULL, NULL, NULL},
};

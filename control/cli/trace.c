// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/cli/client.h"
#include "control/cli/pcapng.h"
#include "control/cli/text.h"

// `sipshunt trace`: the live messages of matching calls, as they come and as they go.

#define TIMEOUT_DEFAULT_MS 60000
#define END_GRACE_MS 2000 // for the daemon's last line after the trace's own end
#define LIMIT_MAX 100000

struct trace {
	struct cli *cli;
	FILE *pcap; // NULL: none
	const char *pcap_name;
	bool pcap_is_stdout;
	uint64_t nb_copies, nb_not_written;
};

static volatile int stopped; // by a signal: end the trace, keep the file

static void stop(int signal)
{
	stopped = 1;
}

// "192.0.2.1:5060", "[2001:db8::1]:5060".
static int parse_endpoint(const char *text, struct endpoint *ep)
{
	const char *colon = text != NULL ? strrchr(text, ':') : NULL;
	unsigned long port;
	char *end;

	if (colon == NULL || colon[1] < '0' || colon[1] > '9')
		return -EBADMSG;
	port = strtoul(colon + 1, &end, 10);
	if (*end != '\0' || port > UINT16_MAX)
		return -EBADMSG;
	ep->port = (uint16_t)port;
	return ip_addr_parse((struct strv){text, (size_t)(colon - text)}, &ep->ip);
}

// "2026-11-21T09:14:02.118Z" -> nanoseconds since 1970, 0 if it is not that.
static uint64_t parse_time(const char *text)
{
	struct tm tm = {0};
	const char *rest = text != NULL ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	uint64_t ns, unit = 100000000;
	time_t seconds;

	if (rest == NULL)
		return 0;
	seconds = timegm(&tm);
	if (seconds < 0)
		return 0;
	ns = (uint64_t)seconds * 1000000000;
	if (*rest == '.')
		for (rest++; *rest >= '0' && *rest <= '9' && unit > 0; rest++, unit /= 10)
			ns += (uint64_t)(*rest - '0') * unit;
	return ns;
}

static void write_decision(FILE *out, const json_t *copy)
{
	const char *drop = field_text(copy, "drop"), *reason = field_text(copy, "reason");
	const char *rule = field_text(copy, "rule"), *backend = field_text(copy, "backend");

	fprintf(out, "%s", field_text_or(copy, "action", "-"));
	if (drop != NULL && strcmp(drop, "none") != 0)
		fprintf(out, " %s", drop);
	if (reason != NULL && strcmp(reason, "ok") != 0)
		fprintf(out, " (%s)", reason);
	if (rule != NULL && strcmp(rule, "none") != 0)
		fprintf(out, " by rule %s", rule);
	if (backend != NULL)
		fprintf(out, ", backend %s", backend);
}

static bool is_sent(const json_t *copy)
{
	return strcmp(field_text_or(copy, "direction", ""), "sent") == 0;
}

static void print_lines(struct strv octets)
{
	while (octets.len > 0) {
		const char *end = memchr(octets.ptr, '\n', octets.len);
		size_t len = end != NULL ? (size_t)(end - octets.ptr) + 1 : octets.len;

		fputs("   ", stdout);
		text_escape_octets(stdout, (struct strv){octets.ptr, len});
		putchar('\n');
		octets.ptr += len;
		octets.len -= len;
	}
}

static void print_copy(const struct trace *trace, const json_t *copy, struct strv octets)
{
	const char *from = field_text_or(copy, is_sent(copy) ? "local" : "source", "-");
	const char *to = field_text_or(copy, is_sent(copy) ? "to" : "local", "-");
	char *text = NULL;
	size_t size = 0, first = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return;
	fprintf(out, "%s %-8s %s -> %s, %" PRId64 " bytes: ", field_text_or(copy, "at", "-"),
		field_text_or(copy, "direction", "-"), from, to,
		field_integer(copy, "message_len"));
	write_decision(out, copy);
	fclose(out);
	text_escape(stdout, strv_from(text));
	putchar('\n');
	free(text);
	if (cli_value(trace->cli, "full") != NULL) {
		print_lines(octets);
		return;
	}
	while (first < octets.len && octets.ptr[first] != '\r' && octets.ptr[first] != '\n')
		first++;
	print_lines((struct strv){octets.ptr, first});
}

static void write_copy(struct trace *trace, const json_t *copy, struct strv octets)
{
	struct pcapng_packet packet = {.unix_ns = parse_time(field_text(copy, "at")),
		.payload = octets,
		.payload_len = (uint32_t)field_integer(copy, "message_len")};
	const char *from = field_text(copy, is_sent(copy) ? "local" : "source");
	const char *to = field_text(copy, is_sent(copy) ? "to" : "local");
	char *comment = NULL;
	size_t size = 0;
	FILE *out;

	if (parse_endpoint(from, &packet.source) != 0 ||
		parse_endpoint(to, &packet.destination) != 0) {
		trace->nb_not_written++;
		return;
	}
	out = open_memstream(&comment, &size);
	if (out != NULL) {
		write_decision(out, copy);
		fclose(out);
		packet.comment = comment;
	}
	if (packet.payload_len < octets.len)
		packet.payload_len = (uint32_t)octets.len;
	if (pcapng_write(trace->pcap, &packet) != 0 || fflush(trace->pcap) != 0)
		trace->nb_not_written++;
	free(comment);
}

static void take_copy(struct trace *trace, json_t *copy)
{
	size_t len = 0;
	char *octets = field_octets(copy, "octets", &len);
	struct strv view = {octets != NULL ? octets : "", len};

	trace->nb_copies++;
	if (trace->pcap != NULL)
		write_copy(trace, copy, view);
	if (trace->cli->json && !trace->pcap_is_stdout) {
		json_dumpf(copy, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
		putchar('\n');
	} else if (!trace->pcap_is_stdout) {
		print_copy(trace, copy, view);
	}
	fflush(stdout);
	free(octets);
}

static int trace_options(struct cli *cli, uint64_t *timeout_ms, json_t **options)
{
	static const char *const filters[][2] = {
		{"call-id", "call_id"}, {"from", "from"}, {"source", "source"}};
	unsigned int nb = 0;
	uint32_t limit = 0;
	int status = cli_value_number(cli, "limit", &limit);

	if (status == CLI_DONE)
		status = cli_value_duration(cli, "timeout", timeout_ms);
	if (status != CLI_DONE)
		return status;
	if (limit > LIMIT_MAX)
		return cli_fail(CLI_USAGE, "trace: --limit is at most %d", LIMIT_MAX);
	*options = json_pack("{s:f}", "timeout_s", (double)*timeout_ms / 1000);
	for (unsigned int i = 0; i < 3; i++) {
		const char *value = cli_value(cli, filters[i][0]);

		if (value == NULL)
			continue;
		json_object_set_new(*options, filters[i][1], text_json(strv_from(value), NULL));
		nb++;
	}
	if (limit > 0)
		json_object_set_new(*options, "limit", json_integer(limit));
	if (nb == 1)
		return CLI_DONE;
	json_decref(*options);
	*options = NULL;
	return cli_fail(
		CLI_USAGE, "trace: exactly one of --call-id, --from and --source is needed");
}

static int open_pcap(struct trace *trace)
{
	const char *name = cli_value(trace->cli, "pcap");

	if (name == NULL)
		return CLI_DONE;
	trace->pcap_name = name;
	trace->pcap_is_stdout = strcmp(name, "-") == 0;
	trace->pcap = trace->pcap_is_stdout ? stdout : fopen(name, "we");
	if (trace->pcap == NULL || pcapng_begin(trace->pcap, "sipshunt " SIPSHUNT_VERSION) != 0 ||
		fflush(trace->pcap) != 0)
		return cli_fail(CLI_REFUSED, "%s: %s", name, strerror(errno));
	return CLI_DONE;
}

static int finish(const struct trace *trace, const json_t *last)
{
	const char *end = last != NULL ? field_text_or(last, "end", "-") : "stopped";
	int64_t lost = last != NULL ? field_integer(last, "lost") : 0;

	if (trace->cli->json && last != NULL && !trace->pcap_is_stdout) {
		json_dumpf(last, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
		putchar('\n');
	} else {
		fprintf(stderr, "%" PRIu64 " message%s, ended by: ", trace->nb_copies,
			trace->nb_copies == 1 ? "" : "s");
		text_escape(stderr, strv_from(end));
		fputc('\n', stderr);
	}
	if (lost > 0)
		return cli_fail(
			CLI_PARTLY, "%" PRId64 " more copies were lost, calls were not", lost);
	if (trace->nb_not_written > 0)
		return cli_fail(CLI_PARTLY, "%" PRIu64 " messages are not in %s",
			trace->nb_not_written, trace->pcap_name);
	return CLI_DONE;
}

static int follow(struct trace *trace, struct client *client, uint64_t timeout_ms)
{
	struct client_wait wait = {.timeout_ms = timeout_ms + END_GRACE_MS, .stop = &stopped};

	for (;;) {
		json_t *object = NULL;
		int status = client_receive(client, &wait, &object);

		if (stopped && status == CLI_TIMED_OUT)
			return finish(trace, NULL);
		if (status != CLI_DONE)
			return status;
		if (json_object_get(object, "end") != NULL ||
			json_object_get(object, "ok") != NULL) {
			status = client_check(trace->cli, object);
			if (status == CLI_DONE)
				status = finish(trace, object);
			json_decref(object);
			return status;
		}
		take_copy(trace, object);
		json_decref(object);
	}
}

static int start(struct trace *trace, struct client *client, json_t *options)
{
	struct client_wait wait = {.timeout_ms = trace->cli->timeout_ms};
	json_t *answer = NULL;
	int status = client_send(client, "trace start", NULL, options);

	if (status == CLI_DONE)
		status = client_receive(client, &wait, &answer);
	if (status == CLI_DONE)
		status = client_check(trace->cli, answer);
	json_decref(answer);
	return status;
}

int cmd_trace(struct cli *cli)
{
	struct sigaction action = {.sa_handler = stop};
	struct trace trace = {.cli = cli};
	uint64_t timeout_ms = TIMEOUT_DEFAULT_MS;
	struct client *client = NULL;
	json_t *options;
	int status = trace_options(cli, &timeout_ms, &options);

	if (status != CLI_DONE)
		return status;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	status = client_open(cli, &client);
	if (status != CLI_DONE) {
		json_decref(options);
		return status;
	}
	status = start(&trace, client, options);
	// Only now: a refused trace must not truncate a file of an earlier one.
	if (status == CLI_DONE)
		status = open_pcap(&trace);
	if (status == CLI_DONE)
		status = follow(&trace, client, timeout_ms);
	client_close(client);
	if (trace.pcap != NULL && !trace.pcap_is_stdout && fclose(trace.pcap) != 0 &&
		status == CLI_DONE)
		status = cli_fail(CLI_PARTLY, "%s: %s", trace.pcap_name, strerror(errno));
	return status;
}

int cmd_trace_stop(struct cli *cli)
{
	json_t *answer;
	int status = client_ask(cli, "trace stop", NULL, &answer);

	if (status != CLI_DONE)
		return status;
	if (cli->json)
		client_print_json(answer);
	json_decref(answer);
	return CLI_DONE;
}

// SPDX-License-Identifier: BSD-3-Clause

// What a decision costs: for each kind of message the nanoseconds of parsing, deciding and applying
// the edits, and of the parts that a decision is made of.

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/report.h"
#include "dataplane/dispatch/decide.h"
#include "dataplane/dispatch/reply.h"
#include "dataplane/dispatch/token.h"
#include "dataplane/dispatch/txn_cache.h"

#define MESSAGES 1024
#define SLOT 2048
#define HEADROOM 512
#define ROUNDS_DEFAULT 201
#define TXNS (1 << 16)

static const char *only; // --case: a prefix of the cases to run
static const char *const vip = "203.0.113.5";

struct lab {
	struct snapshot *snap;
	struct backend_bits bits;
	struct decide_ctx ctx;
	struct endpoint sources[MESSAGES];
	uint32_t len[MESSAGES];
	char *slots; // messages, each with headroom and padding
	char *pristine;
};

static char *slot_text(const struct lab *lab, unsigned int i)
{
	return lab->slots + (size_t)i * SLOT + HEADROOM;
}

static struct ip_addr ipv4(uint32_t host)
{
	struct ip_addr ip = {.family = 4};

	ip.octets[0] = (uint8_t)(host >> 24);
	ip.octets[1] = (uint8_t)(host >> 16);
	ip.octets[2] = (uint8_t)(host >> 8);
	ip.octets[3] = (uint8_t)host;
	return ip;
}

static void die(const char *what)
{
	fprintf(stderr, "bench-dispatch: %s\n", what);
	exit(1);
}

static void build(struct lab *lab, uint16_t nb_backends, uint8_t flags)
{
	struct snapshot_backend *backends = calloc(nb_backends, sizeof(*backends));
	struct snapshot_service service = {.name = "access",
		.flags = flags,
		.nb_backends = nb_backends,
		.listener_v4 = 0,
		.listener_v6 = SNAPSHOT_NONE};
	struct snapshot_listener listener = {.port = SNAPSHOT_NONE};
	struct snapshot_key key = {.id = 'a', .key = "key that signs"};
	struct snapshot_input in = {.table_key = "key of the table",
		.keys = &key,
		.nb_keys = 1,
		.listeners = &listener,
		.services = &service,
		.backends = backends,
		.nb_listeners = 1,
		.nb_services = 1,
		.nb_backends = nb_backends};
	size_t size;

	if (backends == NULL || ip_addr_parse(strv_from(vip), &listener.local.ip) != 0)
		die("setup");
	listener.local.port = 5060;
	for (uint16_t i = 0; i < nb_backends; i++) {
		snprintf(backends[i].name, sizeof(backends[i].name), "kam%u", i);
		backends[i].addr.ip = ipv4(0x0a140000u + 11 + i);
		backends[i].addr.port = 5060;
		backends[i].weight = 100;
	}
	size = snapshot_build_size(&in);
	lab->snap = aligned_alloc(64, size);
	if (size == 0 || lab->snap == NULL)
		die("snapshot");
	memset(lab->snap, 0, size);
	if (snapshot_build(&in, lab->snap, size) != 0)
		die("snapshot");
	free(backends);
	memset(&lab->bits, 0xff, sizeof(lab->bits));
	lab->ctx.snap = lab->snap;
	lab->ctx.bits = &lab->bits;
	lab->ctx.now_ms = 1000;
}

// Call-IDs, tags and branches as they are met: of different makes and lengths.
static void identity(unsigned int i, char call_id[64], char branch[64])
{
	unsigned int x = i * 2654435761u;

	switch (i % 4) {
	case 0:
		snprintf(call_id, 64, "%08x%08x@192.0.2.%u", x, ~x, i % 250);
		snprintf(branch, 64, "z9hG4bK%08x", x);
		break;
	case 1:
		snprintf(call_id, 64, "%08x-%04x-%04x-%04x-%08x%04x", x, i, x >> 16, ~i & 0xffff,
			~x, i);
		snprintf(branch, 64, "z9hG4bK-524287-1---%08x%08x", x, ~x);
		break;
	case 2:
		snprintf(call_id, 64, "%u-%u@10.1.2.%u", i, x % 100000, i % 200);
		snprintf(branch, 64, "z9hG4bK-%u-%u-0", x % 100000, i);
		break;
	default:
		snprintf(call_id, 64, "%08x%08x%08x", x, ~x, x ^ 0x5a5a5a5a);
		snprintf(branch, 64, "z9hG4bKPj%08x%08x%08x", x, ~x, x ^ 0x5a5a5a5a);
	}
}

static void put_message(struct lab *lab, unsigned int i, const char *text)
{
	lab->len[i] = (uint32_t)strlen(text);
	if (lab->len[i] + HEADROOM + SIP_PAD > SLOT)
		die("message too long");
	memcpy(slot_text(lab, i), text, lab->len[i]);
}

static void request(
	struct lab *lab, unsigned int i, const char *method, const char *routes, const char *more)
{
	char call_id[64], branch[64], text[SLOT];

	identity(i, call_id, branch);
	lab->sources[i].ip = ipv4(0xc6336400u + i % 200);
	lab->sources[i].port = (uint16_t)(1024 + i * 7);
	snprintf(text, sizeof(text),
		"%s sip:+1555%07u@example.com SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.168.%u.%u:5060;branch=%s;rport\r\n"
		"%s"
		"Max-Forwards: 70\r\n"
		"From: <sip:user%u@example.com>;tag=%08x\r\n"
		"To: <sip:+1555%07u@example.com>%s\r\n"
		"Call-ID: %s\r\n"
		"CSeq: %u %s\r\n"
		"Contact: <sip:user%u@192.168.%u.%u:5060>\r\n"
		"%s"
		"Content-Length: 0\r\n\r\n",
		method, i, i / 250, i % 250, branch, routes, i, i * 2654435761u, i,
		routes[0] != '\0' ? ";tag=as6f2b" : "", call_id, i % 1000 + 1, method, i, i / 250,
		i % 250, more);
	put_message(lab, i, text);
}

static void decide_slot(struct lab *lab, unsigned int i, struct sip_msg *msg, struct decision *d)
{
	struct decide_in in = {.msg = msg, .source = lab->sources[i]};

	if (sip_parse(msg, slot_text(lab, i), lab->len[i]) != SIP_OK)
		die("a message of ours does not parse");
	decide(&lab->ctx, &in, d);
	if (d->action != ACTION_FORWARD)
		die("a message of ours is not forwarded");
}

// What follows an INVITE of slot i: its response, or the BYE that our Record-Route makes of it.
static void follow(struct lab *lab, unsigned int i, bool response)
{
	char sent[4 * SLOT], text[4 * SLOT], route[512];
	const char *start;
	struct sip_msg msg;
	struct decision d;
	uint32_t len;

	request(lab, i, "INVITE", "", "");
	decide_slot(lab, i, &msg, &d);
	len = edit_apply(&msg, &d.edits, sent);
	sent[len] = '\0';
	if (response) {
		snprintf(text, sizeof(text), "SIP/2.0 200 OK\r\n%s", strstr(sent, "Via: "));
		lab->sources[i] = d.to;
		put_message(lab, i, text);
		return;
	}
	start = strchr(strstr(sent, "Record-Route: "), '<');
	snprintf(route, sizeof(route), "Route: %.*s\r\n", (int)strcspn(start, "\r"), start);
	request(lab, i, "BYE", route, "");
}

enum kind {
	INVITE,
	REGISTER,
	OK_200,
	BYE,
	OPTIONS,
	KINDS
};

static const char *const kind_names[KINDS] = {"invite", "register", "200", "bye", "options"};

static void make_messages(struct lab *lab, enum kind kind)
{
	for (unsigned int i = 0; i < MESSAGES; i++) {
		switch (kind) {
		case INVITE:
			request(lab, i, "INVITE", "", "");
			break;
		case REGISTER:
			request(lab, i, "REGISTER", "",
				"Expires: 3600\r\nSupported: path, outbound\r\n");
			break;
		case OPTIONS:
			request(lab, i, "OPTIONS", "", "Accept: application/sdp\r\n");
			break;
		default:
			follow(lab, i, kind == OK_200);
		}
	}
	memcpy(lab->pristine, lab->slots, (size_t)MESSAGES * SLOT);
}

enum step {
	PARSE,
	DECIDE,
	EDIT,
	STEPS
};

// One pass over all messages up to a step; nanoseconds per message.
static double pass(struct lab *lab, enum step upto)
{
	struct sip_msg msg;
	struct decision d;
	uint64_t start, end;
	uint32_t sum = 0;

	start = report_cpu_ns();
	for (unsigned int i = 0; i < MESSAGES; i++) {
		struct decide_in in = {.msg = &msg, .source = lab->sources[i]};

		sum += sip_parse(&msg, slot_text(lab, i), lab->len[i]);
		if (upto == PARSE)
			continue;
		decide(&lab->ctx, &in, &d);
		sum += d.action != ACTION_FORWARD;
		if (upto == EDIT)
			sum += edit_apply(&msg, &d.edits, slot_text(lab, i) - d.edits.growth);
	}
	end = report_cpu_ns();
	if (upto == EDIT)
		memcpy(lab->slots, lab->pristine, (size_t)MESSAGES * SLOT);
	if (upto < EDIT && sum != 0)
		die("a message was refused");
	return (double)(end - start) / MESSAGES;
}

static void bench_kind(struct lab *lab, const char *name, unsigned int rounds)
{
	static const char *const names[STEPS] = {"parse", "decide", "edit"};
	double *times[STEPS], medians[STEPS];

	for (int s = 0; s < STEPS; s++)
		times[s] = calloc(rounds, sizeof(double));
	// Interleaved, so that a busy machine meets all steps alike.
	for (unsigned int r = 0; r < rounds; r++)
		for (int s = 0; s < STEPS; s++)
			times[s][r] = pass(lab, (enum step)s);
	for (int s = 0; s < STEPS; s++) {
		medians[s] = report_median(times[s], rounds);
		free(times[s]);
		report_row(name, names[s], medians[s] - (s > 0 ? medians[s - 1] : 0), "ns");
	}
	report_row(name, "all", medians[EDIT], "ns");
}

// The parts of a decision by themselves, over the INVITEs.
static void bench_parts(struct lab *lab, unsigned int rounds)
{
	static struct sip_msg msgs[MESSAGES];
	static const char *const names[] = {
		"call-digest", "branch-token", "route-token", "backend-of-source"};
	double *times = calloc(rounds, sizeof(double));
	const struct snapshot_key *key = &lab->snap->keys[0];
	volatile uint64_t sink = 0;
	char out[TOKEN_TEXT_MAX];

	for (unsigned int i = 0; i < MESSAGES; i++)
		sip_parse(&msgs[i], slot_text(lab, i), lab->len[i]);
	for (int part = 0; part < 4; part++) {
		for (unsigned int r = 0; r < rounds; r++) {
			uint64_t start = report_cpu_ns(), sum = 0;

			for (unsigned int i = 0; i < MESSAGES; i++) {
				const struct sip_msg *msg = &msgs[i];
				struct branch_token branch = {1, i};
				struct route_token route = {i, 1, 1, lab->sources[i]};

				switch (part) {
				case 0:
					sum += snapshot_call_digest(
						lab->snap, sip_strv(msg, msg->call_id));
					break;
				case 1:
					sum += branch_token_format(key, &branch, msg, &msg->via,
						&lab->sources[i], out);
					break;
				case 2:
					sum += route_token_format(key, &route, i, out);
					break;
				default:
					sum += snapshot_find_backend_source(
						lab->snap, &lab->sources[i], 0);
				}
			}
			sink += sum + (uint8_t)out[12];
			times[r] = (double)(report_cpu_ns() - start) / MESSAGES;
		}
		report_row("parts", names[part], report_median(times, rounds), "ns");
	}
	free(times);
}

static void bench_all(
	struct lab *lab, uint16_t nb_backends, uint8_t flags, bool cache, unsigned int rounds)
{
	char name[64];

	build(lab, nb_backends, flags);
	lab->ctx.txns = cache ? txn_cache_init(aligned_alloc(64, txn_cache_size(TXNS)), TXNS,
					(const uint8_t *)"0123456789abcdef")
			      : NULL;
	for (int kind = 0; kind < KINDS; kind++) {
		if (kind == BYE && !(flags & SERVICE_RECORD_ROUTE))
			continue;
		snprintf(name, sizeof(name), "%s/%u-backends%s%s", kind_names[kind], nb_backends,
			flags & SERVICE_RECORD_ROUTE ? "" : "/no-rr", cache ? "" : "/no-cache");
		if (only != NULL && strncmp(only, name, strlen(only)) != 0)
			continue;
		make_messages(lab, (enum kind)kind);
		bench_kind(lab, name, rounds);
	}
	free(lab->ctx.txns);
	free(lab->snap);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"json", required_argument, NULL, 'j'},
		{"rounds", required_argument, NULL, 'r'}, {"case", required_argument, NULL, 'c'},
		{NULL, 0, NULL, 0}};
	static struct lab lab;
	unsigned int rounds = ROUNDS_DEFAULT;
	const char *json = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'j')
			json = optarg;
		else if (c == 'c')
			only = optarg;
		else if (c == 'r' && atoi(optarg) > 0)
			rounds = (unsigned int)atoi(optarg);
		else {
			fprintf(stderr,
				"usage: bench-dispatch [--json FILE] [--rounds N] [--case "
				"PREFIX]\n");
			return 2;
		}
	}
	lab.slots = calloc(MESSAGES + 1, SLOT);
	lab.pristine = calloc(MESSAGES + 1, SLOT);
	if (lab.slots == NULL || lab.pristine == NULL || report_open("dispatch", json) != 0)
		die("setup");
	bench_all(&lab, 8, SERVICE_RECORD_ROUTE | SERVICE_PATH, true, rounds);
	bench_all(&lab, 8, SERVICE_RECORD_ROUTE | SERVICE_PATH, false, rounds);
	bench_all(&lab, 8, 0, true, rounds);
	bench_all(&lab, 1000, SERVICE_RECORD_ROUTE | SERVICE_PATH, true, rounds);
	build(&lab, 8, 0);
	lab.ctx.txns = NULL;
	make_messages(&lab, INVITE);
	bench_parts(&lab, rounds);
	free(lab.snap);
	free(lab.slots);
	free(lab.pristine);
	return report_close() == 0 ? 0 : 1;
}

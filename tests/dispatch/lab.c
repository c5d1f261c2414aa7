// SPDX-License-Identifier: BSD-3-Clause
#include "tests/dispatch/lab.h"

#include <stdio.h>
#include <stdlib.h>

#include "dataplane/dispatch/binding_table.h"
#include "dataplane/dispatch/kernel.h"
#include "dataplane/dispatch/reply.h"
#include "dataplane/dispatch/txn_cache.h"
#include "tests/dispatch/build_snapshot.h"

// Not check's: the fuzz target has no test runner.
#define require(condition)                                                              \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

#define TXNS 1024
#define BINDINGS 1024

struct endpoint lab_endpoint(const char *text)
{
	const char *colon = strrchr(text, ':');
	struct endpoint ep;

	require(colon != NULL);
	require(ip_addr_parse((struct strv){text, (size_t)(colon - text)}, &ep.ip) == 0);
	ep.port = (uint16_t)atoi(colon + 1);
	return ep;
}

static void set_backends(
	const struct lab_options *o, struct snapshot_backend *b, struct snapshot_service *s)
{
	static const struct {
		const char *name, *addr;
		uint16_t service;
	} all[] = {
		{"kam1", "10.20.1.11:5060", 0},
		{"kam2", "10.20.1.12:5060", 0},
		{"kam3", "10.20.1.13:5060", 0},
		{"kam4", "10.20.1.14:5060", 0},
		{"v6a", "[2001:db8:20::11]:5060", 1},
		{"v6b", "[2001:db8:20::12]:5060", 1},
	};
	uint16_t nb = 0;

	for (unsigned int i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if ((i == 1 && o->without_kam2) || (i == 3 && !o->with_kam4))
			continue;
		if (s[all[i].service].nb_backends++ == 0)
			s[all[i].service].backend_first = nb;
		strcpy(b[nb].name, all[i].name);
		b[nb].addr = lab_endpoint(all[i].addr);
		b[nb].service = all[i].service;
		b[nb].weight = 100;
		b[nb].barred_ports = o->barred_ports;
		nb++;
	}
}

static void set_services(const struct lab_options *o, struct snapshot_service *s)
{
	strcpy(s[0].name, "access");
	strcpy(s[1].name, "core");
	for (int i = 0; i < 2; i++) {
		s[i].flags = o->no_flags ? 0
			: o->flags != 0
			? o->flags
			: SERVICE_RECORD_ROUTE | SERVICE_PATH | SERVICE_REPLY_UNPARSABLE;
		s[i].mode = o->mode;
		s[i].hash_key = o->hash_key;
		s[i].register_hash_key =
			o->register_hash_key != 0 ? o->register_hash_key : o->hash_key;
		s[i].retry_after = 7;
		s[i].max_message = o->max_message;
	}
	s[0].listener_v4 = o->two_sided ? INSIDE : VIP4;
	s[0].listener_v6 = VIP6;
	s[1].listener_v4 = CORE4;
	s[1].listener_v6 = CORE6;
}

static struct txn_cache *new_txns(struct lab *lab)
{
	return txn_cache_init(lab->txns, TXNS, (const uint8_t *)"key of the cache");
}

void lab_init(struct lab *lab, const struct lab_options *options)
{
	static const struct lab_options defaults;
	const struct lab_options *o = options != NULL ? options : &defaults;
	static const char *const addresses[LISTENERS] = {VIP, "[2001:db8:5::5]:5060",
		"10.20.1.5:5060", "203.0.113.6:5060", "[2001:db8:20::5]:5060", "203.0.113.5:5080"};
	struct snapshot_listener listeners[LISTENERS] = {0};
	struct snapshot_service services[2] = {0};
	struct snapshot_backend backends[LAB_BACKENDS_MAX + 1] = {0};
	struct snapshot_port ports[2] = {
		{.name = "wan0", .mtu = 1500}, {.name = "core0", .mtu = 1500}};
	struct snapshot_prefix acl[1] = {{.ip = lab_endpoint(CALLER).ip, .len = 32}};
	struct snapshot_key keys[3] = {{.id = 'a', .key = "first signing ke"},
		{.id = 'b', .key = "second signing k"}, {.id = 'c', .key = "third signing ke"}};
	struct snapshot_input in = {
		.generation = 1,
		.table_key = "key of the table",
		.keys = keys,
		.nb_keys = o->nb_keys != 0 ? o->nb_keys : 1,
		.primary_key = o->primary_key,
		.prev_primary_key = o->prev_primary_key,
		.prev_key_until_ms = o->prev_key_until_ms,
		.ports = ports,
		.listeners = listeners,
		.services = services,
		.backends = backends,
		.acl = acl,
		.nb_ports = 2,
		.nb_listeners = LISTENERS - o->without_other_port,
		.nb_services = 2,
		.nb_acl = 1,
		.prev = o->prev,
		.prev_until_ms = o->prev_until_ms,
		.now_ms = o->now_ms,
	};

	memset(lab, 0, sizeof(*lab));
	for (int i = 0; i < LISTENERS; i++) {
		listeners[i].local = lab_endpoint(addresses[i]);
		listeners[i].service = i == CORE4 || i == CORE6;
	}
	listeners[VIP4].nb_acl_deny = o->deny_caller;
	set_services(o, services);
	set_backends(o, backends, services);
	in.nb_backends = services[0].nb_backends + services[1].nb_backends;

	lab->snap = build_snapshot(&in);
	memset(&lab->bits, 0xff, sizeof(lab->bits));
	lab->txns = aligned_alloc(64, txn_cache_size(TXNS));
	lab->bindings = aligned_alloc(64, binding_table_size(BINDINGS));
	lab->ctx = (struct decide_ctx){
		.snap = lab->snap,
		.bits = &lab->bits,
		.txns = new_txns(lab),
		.bindings = binding_table_init(
			lab->bindings, BINDINGS, (const uint8_t *)"key of the AoRs!"),
		.now_ms = 1000000,
	};
}

void lab_forget(struct lab *lab)
{
	lab->ctx.txns = new_txns(lab);
}

void lab_fini(struct lab *lab)
{
	free(lab->snap);
	free(lab->txns);
	free(lab->bindings);
	free(lab->raw);
}

static size_t with_crlf(const char *text, char *out)
{
	size_t len = 0;

	for (; *text != '\0'; text++) {
		if (*text == '\n' && (len == 0 || out[len - 1] != '\r'))
			out[len++] = '\r';
		out[len++] = *text;
	}
	return len;
}

static bool same_decision(const struct decision *a, const struct decision *b)
{
	if (a->action != b->action || a->rule != b->rule || a->drop != b->drop ||
		a->dialog_pinned != b->dialog_pinned || a->backend != b->backend ||
		a->service != b->service || a->from != b->from ||
		a->reply_status != b->reply_status || a->token != b->token)
		return false;
	if (a->action != ACTION_FORWARD)
		return true;
	return endpoint_eq(&a->to, &b->to) && a->edits.nb == b->edits.nb &&
		a->edits.growth == b->edits.growth && a->edits.text_len == b->edits.text_len &&
		memcmp(a->edits.edits, b->edits.edits, a->edits.nb * sizeof(a->edits.edits[0])) ==
		0 &&
		memcmp(a->edits.text, b->edits.text, a->edits.text_len) == 0;
}

// A burst is decided as its messages are one by one, whatever the processor can do.
static void lab_decide(struct lab *lab, unsigned int nb)
{
	static struct decision alone, many[DECIDE_MAX];
	const struct decide_in *in[DECIDE_MAX];
	struct decision *out[DECIDE_MAX];
	struct decide_ctx ctx = lab->ctx;

	// Without a memory in which each would find the one before it.
	ctx.txns = NULL;
	decide(&ctx, &lab->in, &alone);
	require(alone.edits.text_len <= EDIT_TEXT_MAX);
	for (unsigned int i = 0; i < nb; i++) {
		in[i] = &lab->in;
		out[i] = &many[i];
	}
	for (unsigned int k = 0; dispatch_kernel_at(k) != NULL; k++) {
		require(dispatch_kernel_select(dispatch_kernel_at(k)) == 0);
		decide_many(&ctx, in, out, nb);
		for (unsigned int i = 0; i < nb; i++)
			require(same_decision(&many[i], &alone));
	}
	dispatch_kernel_select(NULL);
	decide(&lab->ctx, &lab->in, &lab->d);
}

int lab_send(struct lab *lab, const char *text, const char *source, uint16_t listener)
{
	size_t room = 2 * strlen(text), len;
	enum sip_reason reason;

	free(lab->raw);
	lab->raw = malloc(room + 2 * SIP_PAD);
	memset(lab->raw, 'x', room + 2 * SIP_PAD);
	len = with_crlf(text, lab->raw + SIP_PAD);
	reason = sip_parse(&lab->msg, lab->raw + SIP_PAD, len);
	lab->in = (struct decide_in){
		.msg = &lab->msg,
		.source = lab_endpoint(source),
		.listener = listener,
		.port = lab->port,
		.resolved = lab->in.resolved,
	};
	if (reason == SIP_OK)
		lab_decide(lab, strlen(text) % DECIDE_MAX + 1);
	else
		decide_unparsable(&lab->ctx, &lab->in, reason, &lab->d);

	lab->out_len = 0;
	if (lab->d.action == ACTION_FORWARD) {
		lab->out_len = (int)edit_apply(&lab->msg, &lab->d.edits, lab->out);
		require(lab->out_len == (int)lab->msg.len + lab->d.edits.growth);
	} else if (lab->d.action == ACTION_REPLY) {
		lab->out_len =
			reply_build(&lab->ctx, &lab->in, &lab->d, lab->out, sizeof(lab->out) - 1);
		require(lab->out_len > 0);
	}
	lab->out[lab->out_len] = '\0';
	return lab->d.action;
}

char *lab_out(const struct lab *lab)
{
	return strdup(lab->out);
}

static bool is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7');
}

bool lab_matches(const char *text, const char *pattern)
{
	for (; *pattern != '\0'; pattern++) {
		if (*pattern == '*') {
			if (!is_token_char(*text))
				return false;
			while (is_token_char(*text))
				text++;
			continue;
		}
		if (*pattern == '\n' && *text == '\r')
			text++;
		if (*text++ != *pattern)
			return false;
	}
	return *text == '\0';
}

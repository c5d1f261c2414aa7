// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/cli/message.h"
#include "control/cli/text.h"

#define VALUE_SHOWN 400 // bytes of a value that people get to see

// `sipshunt inspect`: what the parser reads in a message.

struct inspection {
	const struct message *message;
	enum sip_reason reason;
	const struct sip_msg *msg;
	bool has_fields; // start line, top Via, Call-ID, tags and CSeq method are valid
	bool has_all;
};

static const char *transport_text(uint8_t transport)
{
	static const char *const names[] = {
		[SIP_TRANSPORT_OTHER] = "other",
		[SIP_UDP] = "UDP",
		[SIP_TCP] = "TCP",
		[SIP_TLS] = "TLS",
		[SIP_SCTP] = "SCTP",
		[SIP_WS] = "WS",
		[SIP_WSS] = "WSS",
	};

	return transport < sizeof(names) / sizeof(names[0]) ? names[transport] : "other";
}

static json_t *json_value(struct strv value, bool *lossy)
{
	size_t len;
	char *text = message_unfold(value, &len);
	json_t *json;

	if (text == NULL)
		return NULL;
	json = text_json((struct strv){text, len}, lossy);
	free(text);
	return json;
}

// Absent is {0, 0}: nothing but the start line stands at offset 0.
static json_t *json_slice(const struct sip_msg *msg, struct sip_slice slice, bool *lossy)
{
	if (slice.off == 0 && slice.len == 0)
		return json_null();
	return json_value(sip_strv(msg, slice), lossy);
}

static json_t *json_list(const struct sip_msg *msg, enum sip_hdr id, bool *lossy)
{
	json_t *list = json_array();
	struct sip_iter it = {0};
	struct sip_slice value;
	bool bad = false;

	while (sip_next_value(msg, id, &it, &value, &bad))
		json_array_append_new(list, json_value(sip_strv(msg, value), lossy));
	return list;
}

static json_t *json_top_via(const struct sip_msg *msg, bool *lossy)
{
	const struct sip_via *via = &msg->via;
	json_t *object = json_object();

	json_object_set_new(object, "transport", json_string(transport_text(via->transport)));
	json_object_set_new(object, "host", json_slice(msg, via->host, lossy));
	json_object_set_new(object, "port", via->port ? json_integer(via->port) : json_null());
	json_object_set_new(object, "branch", json_slice(msg, via->branch, lossy));
	json_object_set_new(object, "received", json_slice(msg, via->received, lossy));
	json_object_set_new(object, "rport", json_slice(msg, via->rport_param, lossy));
	return object;
}

static void set_fields(json_t *object, const struct inspection *in, bool *lossy)
{
	const struct sip_msg *msg = in->msg;
	bool has = in->has_fields, request = msg->kind == SIP_REQUEST;

	json_object_set_new(
		object, "kind", has ? json_string(request ? "request" : "response") : json_null());
	json_object_set_new(object, "method",
		has && request ? json_slice(msg, msg->method_name, lossy) : json_null());
	json_object_set_new(
		object, "status", has && !request ? json_integer(msg->status) : json_null());
	json_object_set_new(object, "request_uri",
		has && request ? json_slice(msg, msg->request_uri, lossy) : json_null());
	json_object_set_new(
		object, "call_id", has ? json_slice(msg, msg->call_id, lossy) : json_null());
	json_object_set_new(object, "cseq", in->has_all ? json_integer(msg->cseq) : json_null());
	json_object_set_new(object, "cseq_method",
		has ? json_slice(msg, msg->cseq_method, lossy) : json_null());
	json_object_set_new(
		object, "from_tag", has ? json_slice(msg, msg->from_tag, lossy) : json_null());
	json_object_set_new(
		object, "to_tag", has ? json_slice(msg, msg->to_tag, lossy) : json_null());
	json_object_set_new(object, "top_via", has ? json_top_via(msg, lossy) : json_null());
	json_object_set_new(object, "via", has ? json_list(msg, SIP_HDR_VIA, lossy) : json_array());
}

static void set_rest(json_t *object, const struct inspection *in, bool *lossy)
{
	static const struct {
		const char *key;
		enum sip_hdr id;
	} lists[] = {
		{"route", SIP_HDR_ROUTE},
		{"record_route", SIP_HDR_RECORD_ROUTE},
		{"contact", SIP_HDR_CONTACT},
		{"path", SIP_HDR_PATH},
	};
	const struct sip_msg *msg = in->msg;
	bool all = in->has_all;
	int64_t expires = all ? sip_expires(msg) : -1;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		json_object_set_new(object, lists[i].key,
			all ? json_list(msg, lists[i].id, lossy) : json_array());
	json_object_set_new(object, "max_forwards",
		all && msg->max_forwards >= 0 ? json_integer(msg->max_forwards) : json_null());
	json_object_set_new(object, "expires", expires >= 0 ? json_integer(expires) : json_null());
	json_object_set_new(object, "content_length",
		all && msg->has_content_length ? json_integer(msg->content_length) : json_null());
	json_object_set_new(object, "body_length", all ? json_integer(msg->body_len) : json_null());
	json_object_set_new(
		object, "header_length", all ? json_integer(msg->header_len) : json_null());
	json_object_set_new(object, "headers", all ? json_integer(msg->nb_hdrs) : json_null());
	json_object_set_new(object, "length", json_integer((json_int_t)in->message->len));
}

static int print_json(const struct inspection *in)
{
	bool ok = in->reason == SIP_OK, lossy = false;
	json_t *object = json_object();
	char *line;

	json_object_set_new(object, "schema", json_integer(CLI_SCHEMA));
	json_object_set_new(object, "file", text_json(strv_from(in->message->name), &lossy));
	json_object_set_new(object, "verdict", json_string(ok ? "ok" : "reject"));
	json_object_set_new(
		object, "reason", ok ? json_null() : json_string(sip_reason_name(in->reason)));
	json_object_set_new(
		object, "reason_text", ok ? json_null() : json_string(sip_reason_text(in->reason)));
	json_object_set_new(object, "offset", ok ? json_null() : json_integer(in->msg->error_off));
	set_fields(object, in, &lossy);
	set_rest(object, in, &lossy);
	json_object_set_new(object, "utf8", json_boolean(!lossy));
	line = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(object);
	if (line == NULL)
		return -ENOMEM;
	puts(line);
	free(line);
	return 0;
}

static void print_value(const char *name, struct strv value)
{
	size_t len = 0, shown;
	char *text = message_unfold(value, &len);

	printf("   %-14s  ", name);
	shown = len > VALUE_SHOWN ? VALUE_SHOWN : len;
	if (text != NULL)
		text_escape(stdout, (struct strv){text, shown});
	if (shown < len)
		printf("... (%zu bytes)", len);
	putchar('\n');
	free(text);
}

static void print_slice(const struct sip_msg *msg, const char *name, struct sip_slice slice)
{
	print_value(name, slice.off == 0 && slice.len == 0 ? STRV("-") : sip_strv(msg, slice));
}

static void print_list(const struct sip_msg *msg, const char *name, enum sip_hdr id)
{
	struct sip_iter it = {0};
	struct sip_slice value;
	bool bad = false;

	while (sip_next_value(msg, id, &it, &value, &bad))
		print_value(name, sip_strv(msg, value));
	if (bad)
		printf("   %-14s  the next value cannot be delimited\n", name);
}

static void print_start(const struct inspection *in)
{
	const struct sip_msg *msg = in->msg;

	text_escape(stdout, strv_from(in->message->name));
	if (in->reason != SIP_OK) {
		printf(": reject, byte %" PRIu32 ": %s: %s\n", msg->error_off,
			sip_reason_name(in->reason), sip_reason_text(in->reason));
		return;
	}
	printf(": ok, ");
	if (msg->kind == SIP_REQUEST) {
		printf("request ");
		text_escape(stdout, sip_strv(msg, msg->method_name));
	} else {
		printf("response %u", msg->status);
	}
	printf(", %zu bytes\n", in->message->len);
}

static void print_text(const struct inspection *in)
{
	const struct sip_msg *msg = in->msg;
	int64_t expires;

	print_start(in);
	if (in->reason != SIP_OK) {
		message_print_arrow(stdout, (struct strv){in->message->octets, in->message->len},
			msg->error_off, 0);
		return;
	}
	if (msg->kind == SIP_REQUEST)
		print_slice(msg, "request-uri", msg->request_uri);
	print_slice(msg, "call-id", msg->call_id);
	printf("   %-14s  %" PRIu32 " ", "cseq", msg->cseq);
	text_escape(stdout, sip_strv(msg, msg->cseq_method));
	putchar('\n');
	print_slice(msg, "from-tag", msg->from_tag);
	print_slice(msg, "to-tag", msg->to_tag);
	if (msg->max_forwards >= 0)
		printf("   %-14s  %d\n", "max-forwards", msg->max_forwards);
	print_list(msg, "via", SIP_HDR_VIA);
	print_list(msg, "route", SIP_HDR_ROUTE);
	print_list(msg, "record-route", SIP_HDR_RECORD_ROUTE);
	print_list(msg, "path", SIP_HDR_PATH);
	print_list(msg, "contact", SIP_HDR_CONTACT);
	expires = sip_expires(msg);
	if (expires >= 0)
		printf("   %-14s  %" PRId64 "\n", "expires", expires);
	if (msg->has_content_length)
		printf("   %-14s  %" PRIu32 "\n", "content-length", msg->content_length);
	printf("   %-14s  %u header fields in %u bytes, body %" PRIu32 " bytes", "size",
		msg->nb_hdrs, msg->header_len, msg->body_len);
	if (msg->skipped + (size_t)msg->len < in->message->len)
		printf(", %zu bytes after it ignored", in->message->len - msg->skipped - msg->len);
	putchar('\n');
}

int cmd_inspect(struct cli *cli)
{
	unsigned int nb_good = 0, nb_bad = 0, nb_failed = 0;
	static struct sip_msg msg;

	for (unsigned int i = 0; i < cli->nb_args; i++) {
		struct message message;
		struct inspection in = {.message = &message, .msg = &msg};
		int error = message_read(cli->args[i], &message);

		if (error == -EFBIG) {
			cli_fail(0, "%s: more than %d bytes, not a SIP message", cli->args[i],
				MESSAGE_SIZE_MAX);
		} else if (error != 0) {
			cli_fail(0, "%s: %s", cli->args[i], strerror(-error));
		}
		if (error != 0) {
			nb_failed++;
			continue;
		}
		memset(&msg, 0, sizeof(msg));
		in.reason = sip_parse(&msg, message.octets, message.len);
		in.has_all = in.reason == SIP_OK;
		in.has_fields = in.has_all || msg.can_reply;
		if (!cli->json)
			print_text(&in);
		else if (print_json(&in) != 0)
			error = cli_fail(CLI_REFUSED, "out of memory");
		message_fini(&message);
		if (error != 0)
			return error;
		if (in.has_all)
			nb_good++;
		else
			nb_bad++;
	}
	if (nb_failed > 0)
		return nb_good + nb_bad > 0 ? CLI_PARTLY : CLI_REFUSED;
	return nb_bad > 0 ? CLI_REFUSED : CLI_DONE;
}

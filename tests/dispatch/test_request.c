// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/decide.h"

#include <stdio.h>

#include "dataplane/dispatch/binding_table.h"
#include "tests/dispatch/lab.h"
#include "tests/dispatch/messages.h"
#include "tests/dispatch/suite.h"

static struct lab lab;
static char text[4096];

static void setup(void)
{
	lab_init(&lab, NULL);
}

static void teardown(void)
{
	lab_fini(&lab);
}

static void restart(const struct lab_options *options)
{
	lab_fini(&lab);
	lab_init(&lab, options);
}

START_TEST(rfc3261_16_11_an_invite_goes_to_a_backend)
{
	lab_send(&lab,
		START("INVITE") TOP_VIA "Max-Forwards: 70\n" IDENTITY(
			"INVITE") "Content-Length: 5\n\nv=0\nbytes after the body",
		CALLER, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	ck_assert_int_eq(lab.d.rule, RULE_TABLE);
	ck_assert_uint_eq(lab.d.from, VIP4);
	ck_assert(endpoint_eq(&lab.d.to, &snapshot_backend(lab.snap, lab.d.backend)->addr));
	ck_out(&lab,
		START("INVITE") OUR_VIA OUR_RECORD_ROUTE STAMPED_VIA
		"Max-Forwards: 69\n" IDENTITY("INVITE") "Content-Length: 5\n\nv=0\n");
}
END_TEST

START_TEST(rfc3261_16_11_the_row_of_the_call_id_chooses)
{
	const struct snapshot_service *service = snapshot_service(lab.snap, 0);

	for (int i = 0; i < 50; i++) {
		char call_id[32];
		uint64_t digest;

		snprintf(call_id, sizeof(call_id), "call-%d@x", i);
		snprintf(text, sizeof(text),
			START("INVITE") TOP_VIA
			"To: <sip:b@x>\nFrom: <sip:a@x>;tag=1\nCall-ID: %s\nCSeq: 1 INVITE\n\n",
			call_id);
		lab_send(&lab, text, CALLER, VIP4);
		ck_action(&lab, ACTION_FORWARD);
		digest = snapshot_call_digest(lab.snap, strv_from(call_id));
		ck_assert_uint_eq(lab.d.row_hash, digest);
		ck_assert_uint_eq(
			lab.d.backend, snapshot_row(lab.snap, &service->table, digest)[0]);
	}
}
END_TEST

START_TEST(rfc3261_16_11_a_retransmission_is_the_same_to_the_octet)
{
	char *first;

	lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
	first = lab_out(&lab);
	lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
	ck_assert_int_eq(lab.d.rule, RULE_TXN);
	ck_assert_str_eq(lab.out, first);
	lab.ctx.txns = NULL;
	lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
	ck_assert_int_eq(lab.d.rule, RULE_TABLE);
	ck_assert_str_eq(lab.out, first);
	free(first);
}
END_TEST

// The octets of our Via in what was sent.
static void our_via(char via[256])
{
	const char *start = strstr(lab.out, "Via: "), *end = strchr(start, '\r');

	snprintf(via, 256, "%.*s", (int)(end - start), start);
}

// What a client sent and what a backend sends on are not one transaction, though Call-ID and CSeq
// are the same.
START_TEST(a_request_that_comes_back_from_a_backend_is_another_transaction)
{
	static const char invite[] = "INVITE sip:bob@203.0.113.5 SIP/2.0\n" TOP_VIA
				     "Max-Forwards: 70\n" IDENTITY("INVITE") "\n";

	lab_send(&lab, invite, CALLER, VIP4);
	ck_assert_int_eq(lab.d.rule, RULE_TABLE);
	lab_send(&lab, invite, CALLER, VIP4);
	ck_assert_int_eq(lab.d.rule, RULE_TXN);
	lab_send(&lab, invite, "10.20.1.11:5060", VIP4);
	ck_assert_int_eq(lab.d.rule, RULE_TABLE);
}
END_TEST

START_TEST(rfc3261_16_11_cancel_and_ack_of_a_failure_have_the_branch_of_their_invite)
{
	char invite[256], via[256];
	uint16_t backend;

	lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
	our_via(invite);
	backend = lab.d.backend;
	lab_send(&lab, REQUEST("CANCEL"), CALLER, VIP4);
	our_via(via);
	ck_assert_str_eq(via, invite);
	ck_assert_uint_eq(lab.d.backend, backend);
	lab_send(&lab,
		START("ACK") TOP_VIA "Max-Forwards: 70\n"
				     "To: Bob <sip:bob@example.com>;tag=x\n"
				     "From: Alice <sip:alice@example.com>;tag=1928301774\n"
				     "Call-ID: a84b4c76e66710@pc33\nCSeq: 314159 ACK\n\n",
		CALLER, VIP4);
	our_via(via);
	ck_assert_str_eq(via, invite);
	ck_assert_uint_eq(lab.d.backend, backend);
}
END_TEST

START_TEST(rfc3261_16_11_another_branch_or_source_makes_another_branch)
{
	char first[256], via[256];

	lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
	our_via(first);
	lab_send(&lab, REQUEST("INVITE"), "198.51.100.10:5063", VIP4);
	our_via(via);
	ck_assert_str_ne(via, first);
	lab_send(&lab,
		START("INVITE") "Via: SIP/2.0/UDP 192.168.1.2:5062;branch=z9hG4bK776asdhdt;rport\n"
				"Max-Forwards: 70\n" IDENTITY("INVITE") "\n",
		CALLER, VIP4);
	our_via(via);
	ck_assert_str_ne(via, first);
}
END_TEST

#define RFC2543_VIA "Via: SIP/2.0/UDP 192.168.1.2:5062;branch=1;rport\n"

START_TEST(rfc3261_16_11_a_sender_without_the_cookie)
{
	char first[256], via[256];

	lab_send(&lab, START("INVITE") RFC2543_VIA IDENTITY("INVITE") "\n", CALLER, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	our_via(first);
	lab_send(&lab, START("CANCEL") RFC2543_VIA IDENTITY("CANCEL") "\n", CALLER, VIP4);
	our_via(via);
	ck_assert_str_eq(via, first);
	// Its branch does not tell transactions apart: CSeq, Call-ID and Request-URI do.
	lab_send(&lab, "INVITE sip:carol@example.com SIP/2.0\n" RFC2543_VIA IDENTITY("INVITE") "\n",
		CALLER, VIP4);
	our_via(via);
	ck_assert_str_ne(via, first);
	lab_send(&lab, START("INVITE") RFC2543_VIA IN_DIALOG("INVITE") "\n", CALLER, VIP4);
	our_via(via);
	ck_assert_str_ne(via, first);
	// Some have no branch at all.
	lab_send(&lab, START("INVITE") "Via: SIP/2.0/UDP 192.168.1.2\n" IDENTITY("INVITE") "\n",
		CALLER, VIP4);
	ck_action(&lab, ACTION_FORWARD);
}
END_TEST

static const struct {
	const char *in, *source, *out;
} vias[] = {
	// RFC 3581 section 4: rport, and received always.
	{"192.0.2.1;branch=z9hG4bKx;rport", "192.0.2.1:4000",
		"192.0.2.1;branch=z9hG4bKx;rport=4000;received=192.0.2.1"},
	{"192.0.2.1;rport;branch=z9hG4bKx", "192.0.2.1:65535",
		"192.0.2.1;rport=65535;received=192.0.2.1;branch=z9hG4bKx"},
	// What the sender wrote there is not believed.
	{"192.0.2.1;branch=z9hG4bKx;rport=9;received=203.0.113.99", "192.0.2.1:4000",
		"192.0.2.1;branch=z9hG4bKx;rport=4000;received=192.0.2.1"},
	{"192.0.2.1;received=203.0.113.99;branch=z9hG4bKx", "192.0.2.1:4000",
		"192.0.2.1;received=192.0.2.1;branch=z9hG4bKx"},
	{"192.0.2.1;received=203.0.113.99;branch=z9hG4bKx;rport", "192.0.2.1:1",
		"192.0.2.1;received=192.0.2.1;branch=z9hG4bKx;rport=1"},
	// 18.2.1: only where sent-by does not tell.
	{"192.0.2.1:5060;branch=z9hG4bKx", "192.0.2.1:4000", "192.0.2.1:5060;branch=z9hG4bKx"},
	{"192.0.2.2;branch=z9hG4bKx", "192.0.2.1:4000",
		"192.0.2.2;received=192.0.2.1;branch=z9hG4bKx"},
	{"192.0.2.10;branch=z9hG4bKx", "192.0.2.1:4000",
		"192.0.2.10;received=192.0.2.1;branch=z9hG4bKx"},
	{"192.0.2.1;branch=z9hG4bKx", "192.0.2.10:4000",
		"192.0.2.1;received=192.0.2.10;branch=z9hG4bKx"},
	{"192.0.2.1.example.com;branch=z9hG4bKx", "192.0.2.1:4000",
		"192.0.2.1.example.com;received=192.0.2.1;branch=z9hG4bKx"},
	{"pc33.example.com:5066;branch=z9hG4bKx", "192.0.2.1:4000",
		"pc33.example.com:5066;received=192.0.2.1;branch=z9hG4bKx"},
	// maddr and ttl are kept and not followed.
	{"192.0.2.1;maddr=224.2.0.1;ttl=16;branch=z9hG4bKx", "192.0.2.1:4000",
		"192.0.2.1;maddr=224.2.0.1;ttl=16;branch=z9hG4bKx"},
	// RFC 5118 section 4.5: without brackets.
	{"[2001:db8::9]:5070;branch=z9hG4bKx;rport", "[2001:db8::9]:5071",
		"[2001:db8::9]:5070;branch=z9hG4bKx;rport=5071;received=2001:db8::9"},
	{"[2001:db8:0::9];branch=z9hG4bKx", "[2001:db8::9]:5071",
		"[2001:db8:0::9];branch=z9hG4bKx"},
};

// Without a Max-Forwards, with one before and with one behind: the last is the plain case.
START_TEST(rfc3261_18_2_1_rfc3581_4_received_and_rport)
{
	static const struct {
		const char *before, *behind, *before_out, *behind_out;
	} forwards[] = {
		{"", "", "Max-Forwards: 70\n", ""},
		{"Max-Forwards: 8\n", "", "Max-Forwards: 7\n", ""},
		{"", "Max-Forwards: 8\n", "", "Max-Forwards: 7\n"},
	};
	char wanted[1024];

	for (unsigned int i = 0; i < sizeof(forwards) / sizeof(forwards[0]); i++) {
		snprintf(text, sizeof(text),
			START("MESSAGE") "%sVia: SIP/2.0/UDP %s\n%s" IDENTITY("MESSAGE") "\n",
			forwards[i].before, vias[_i].in, forwards[i].behind);
		snprintf(wanted, sizeof(wanted),
			START("MESSAGE") "Via: SIP/2.0/UDP %s;branch=z9hG4bK*\n%s"
					 "Via: SIP/2.0/UDP %s\n%s" IDENTITY("MESSAGE") "\n",
			snapshot_listener(lab.snap, VIP4)->sent_by, forwards[i].before_out,
			vias[_i].out, forwards[i].behind_out);
		lab_send(&lab, text, vias[_i].source, vias[_i].source[0] == '[' ? VIP6 : VIP4);
		ck_action(&lab, ACTION_FORWARD);
		ck_out(&lab, wanted);
	}
}
END_TEST

START_TEST(rfc3261_16_6_3_max_forwards_is_one_less)
{
	static const char *const values[][2] = {
		{"70", "69"}, {"10", "9"}, {"255", "254"}, {"1", "0"}, {"100", "99"}};

	for (unsigned int i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		char wanted[64];

		snprintf(text, sizeof(text),
			START("MESSAGE") TOP_VIA IDENTITY("MESSAGE") "Max-Forwards: %s\nX: y\n\n",
			values[i][0]);
		snprintf(wanted, sizeof(wanted), "\r\nMax-Forwards: %s\r\nX: y\r\n", values[i][1]);
		lab_send(&lab, text, CALLER, VIP4);
		ck_assert_ptr_nonnull(strstr(lab.out, wanted));
	}
}
END_TEST

START_TEST(rfc3261_16_6_3_max_forwards_is_added)
{
	lab_send(&lab, START("MESSAGE") TOP_VIA IDENTITY("MESSAGE") "\n", CALLER, VIP4);
	ck_out(&lab,
		START("MESSAGE") OUR_VIA "Max-Forwards: 70\n" STAMPED_VIA IDENTITY("MESSAGE") "\n");
}
END_TEST

// What comes in front of the sender's Via: little, and much.
static const char *const fronts[] = {
	OUR_VIA,
	"Via: SIP/2.0/UDP 10.20.1.5:5060;branch=z9hG4bK*\n"
	"Record-Route: <sip:*@10.20.1.5:5060;lr>\n" OUR_RECORD_ROUTE,
};

// However far it is behind the Via, up to where there is no room to copy all that is before it.
START_TEST(rfc3261_16_6_3_max_forwards_may_stand_anywhere)
{
	static char filler[EDIT_TEXT_MAX], wanted[4096];

	restart(&(struct lab_options){.no_flags = _i == 0, .two_sided = _i == 1});
	lab.ctx.txns = NULL;
	memset(filler, 'x', sizeof(filler));
	for (int len = 1; len < (int)sizeof(filler); len++) {
		snprintf(text, sizeof(text),
			START("INVITE") TOP_VIA
			"X: %.*s\nMax-Forwards: 70\n" IDENTITY("INVITE") "\n",
			len, filler);
		snprintf(wanted, sizeof(wanted),
			START("INVITE") "%s" STAMPED_VIA
					"X: %.*s\nMax-Forwards: 69\n" IDENTITY("INVITE") "\n",
			fronts[_i], len, filler);
		lab_send(&lab, text, CALLER, VIP4);
		ck_out(&lab, wanted);
	}
}
END_TEST

static const struct {
	uint16_t status;
	const char *text;
} refusals[] = {
	{483, START("INVITE") TOP_VIA "Max-Forwards: 0\n" IDENTITY("INVITE") "\n"},
	{416, "INVITE nobody:opaque SIP/2.0\n" TOP_VIA IDENTITY("INVITE") "\n"},
	{420, REQUEST_WITH("INVITE", "Proxy-Require: foo, bar\n")},
	{505, "INVITE sip:b@x SIP/7.0\n" TOP_VIA IDENTITY("INVITE") "\n"},
	{400, START("INVITE") TOP_VIA "Max-Forwards: 256\n" IDENTITY("INVITE") "\n"},
	{400, START("INVITE") TOP_VIA IDENTITY("BYE") "\n"},
	{200, "OPTIONS sip:" VIP " SIP/2.0\n" TOP_VIA IDENTITY("OPTIONS") "\n"},
	{200, START("OPTIONS") TOP_VIA "Max-Forwards: 0\n" IDENTITY("OPTIONS") "\n"},
};

START_TEST(rfc3261_16_3_what_is_refused)
{
	lab_send(&lab, refusals[_i].text, CALLER, VIP4);
	ck_action(&lab, ACTION_REPLY);
	ck_assert_uint_eq(lab.d.reply_status, refusals[_i].status);
	ck_to(&lab, CALLER);
	ck_assert_uint_eq(lab.d.from, VIP4);
}
END_TEST

START_TEST(rfc3261_8_2_7_ack_and_cancel_are_never_answered)
{
	static const char *const methods[] = {"ACK", "CANCEL"};

	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof(text),
			"%s sip:b@x SIP/2.0\n" TOP_VIA
			"Max-Forwards: 0\nTo: <sip:b@x>\nFrom: <sip:a@x>;tag=1\n"
			"Call-ID: 1\nCSeq: 1 %s\n\n",
			methods[i], methods[i]);
		lab_send(&lab, text, CALLER, VIP4);
		ck_dropped(&lab, DROP_ACK_UNANSWERABLE);
		snprintf(text, sizeof(text),
			"%s sip:b@x SIP/2.0\n" TOP_VIA
			"Max-Forwards: 999\nTo: <sip:b@x>\nFrom: <sip:a@x>;tag=1\n"
			"Call-ID: 1\nCSeq: 1 %s\n\n",
			methods[i], methods[i]);
		lab_send(&lab, text, CALLER, VIP4);
		ck_dropped(&lab, DROP_ACK_UNANSWERABLE);
	}
}
END_TEST

START_TEST(schemes_that_backends_route_pass)
{
	static const char *const uris[] = {
		"tel:+15551234", "urn:service:sos", "sips:bob@example.com", "SIP:bob@example.com"};

	for (unsigned int i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		snprintf(text, sizeof(text), "INVITE %s SIP/2.0\n" TOP_VIA IDENTITY("INVITE") "\n",
			uris[i]);
		lab_send(&lab, text, CALLER, VIP4);
		ck_action(&lab, ACTION_FORWARD);
	}
}
END_TEST

START_TEST(extension_methods_and_header_fields_pass)
{
	lab_send(&lab,
		"NEWMETHOD!? sip:x SIP/2.0\n" TOP_VIA "Max-Forwards: 9\nNew-Header: \"q\", <>;\n"
		"\tfolded\n" IDENTITY("NEWMETHOD!?") "\n",
		CALLER, VIP4);
	ck_action(&lab, ACTION_DROP);
	lab_send(&lab,
		"NEWMETHOD sip:x SIP/2.0\n" TOP_VIA "Max-Forwards: 9\nNew-Header: \"q\", <>;\n"
		"\tfolded\n" IDENTITY("NEWMETHOD") "\n",
		CALLER, VIP4);
	ck_out(&lab,
		"NEWMETHOD sip:x SIP/2.0\n" OUR_VIA OUR_RECORD_ROUTE STAMPED_VIA
		"Max-Forwards: 8\nNew-Header: \"q\", <>;\n"
		"\tfolded\n" IDENTITY("NEWMETHOD") "\n");
}
END_TEST

START_TEST(rfc3261_11_options_with_a_user_is_passed_on)
{
	lab_send(&lab, "OPTIONS sip:bob@" VIP " SIP/2.0\n" TOP_VIA IDENTITY("OPTIONS") "\n", CALLER,
		VIP4);
	ck_action(&lab, ACTION_FORWARD);
}
END_TEST

START_TEST(rfc3261_11_2_options_gets_what_an_invite_would)
{
	memset(lab.bits.fresh, 0, sizeof(lab.bits.fresh));
	lab_send(&lab, "OPTIONS sip:" VIP " SIP/2.0\n" TOP_VIA IDENTITY("OPTIONS") "\n", CALLER,
		VIP4);
	ck_action(&lab, ACTION_REPLY);
	ck_assert_uint_eq(lab.d.reply_status, 503);
}
END_TEST

START_TEST(without_a_backend_503_or_nothing)
{
	memset(&lab.bits, 0, sizeof(lab.bits));
	lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
	ck_action(&lab, ACTION_REPLY);
	ck_assert_uint_eq(lab.d.reply_status, 503);
	restart(&(struct lab_options){.flags = SERVICE_DROP_WHEN_DOWN});
	memset(&lab.bits, 0, sizeof(lab.bits));
	lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
	ck_dropped(&lab, DROP_NO_BACKEND);
}
END_TEST

START_TEST(without_the_flag_nothing_unparsable_is_answered)
{
	restart(&(struct lab_options){.no_flags = true});
	lab_send(&lab, refusals[4].text, CALLER, VIP4);
	ck_dropped(&lab, DROP_UNPARSABLE);
	lab_send(&lab, "hello\n\n", CALLER, VIP4);
	ck_dropped(&lab, DROP_UNPARSABLE);
	lab_send(&lab, "\n\n", CALLER, VIP4);
	ck_dropped(&lab, DROP_KEEPALIVE);
}
END_TEST

START_TEST(sources_that_nobody_can_answer_are_dropped)
{
	static const char *const sources[] = {"127.0.0.1:5060", "224.0.0.1:5060", "0.0.0.0:5060"};

	for (unsigned int i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		lab_send(&lab, REQUEST("INVITE"), sources[i], VIP4);
		ck_dropped(&lab, DROP_BAD_TARGET);
	}
	// Our own address: an answer would come back to us.
	lab_send(&lab, refusals[0].text, VIP, VIP4);
	ck_dropped(&lab, DROP_BAD_TARGET);
}
END_TEST

START_TEST(limits_of_the_service_hold_for_outside)
{
	restart(&(struct lab_options){.max_message = 200});
	lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
	ck_dropped(&lab, DROP_TOO_LARGE);
	lab_send(&lab, "BYE sip:198.51.100.9 SIP/2.0\n" TOP_VIA IN_DIALOG("BYE") "\n",
		"10.20.1.11:5060", VIP4);
	ck_action(&lab, ACTION_FORWARD);
}
END_TEST

#define REGISTER \
	"REGISTER sip:example.com SIP/2.0\n" TOP_VIA "Max-Forwards: 70\n" IDENTITY("REGISTER")

START_TEST(rfc3327_5_2_path_for_those_that_support_it)
{
	lab_send(&lab, REGISTER "Supported: gruu, path\n\n", CALLER, VIP4);
	ck_out(&lab,
		"REGISTER sip:example.com SIP/2.0\n" OUR_VIA
		"Path: <sip:*@203.0.113.5:5060;lr>\n" STAMPED_VIA
		"Max-Forwards: 69\n" IDENTITY("REGISTER") "Supported: gruu, path\n\n");
	lab_send(&lab, REGISTER "Supported: gruu\n\n", CALLER, VIP4);
	ck_assert_ptr_null(strstr(lab.out, "Path"));
	restart(&(struct lab_options){.no_flags = true});
	lab_send(&lab, REGISTER "Supported: path\n\n", CALLER, VIP4);
	ck_assert_ptr_null(strstr(lab.out, "Path"));
}
END_TEST

START_TEST(rfc5626_5_1_ob_for_the_first_hop_of_outbound)
{
	lab_send(&lab, REGISTER "Supported: path\nk: Outbound\n\n", CALLER, VIP4);
	ck_assert_ptr_nonnull(strstr(lab.out, "@203.0.113.5:5060;lr;ob>\r\n"));
	lab_send(&lab,
		REGISTER "Via: SIP/2.0/UDP 192.0.2.77;branch=z9hG4bKfirst\n"
			 "Supported: path, outbound\n\n",
		CALLER, VIP4);
	ck_assert_ptr_nonnull(strstr(lab.out, "@203.0.113.5:5060;lr>\r\n"));
}
END_TEST

START_TEST(rfc6223_keep_gets_a_value)
{
	lab_send(&lab,
		"REGISTER sip:example.com SIP/2.0\n"
		"Via: SIP/2.0/UDP 192.168.1.2:5062;branch=z9hG4bKx;keep;rport\n" IDENTITY(
			"REGISTER") "\n",
		CALLER, VIP4);
	ck_assert_ptr_nonnull(strstr(lab.out, ";keep=30;rport=5062;"));
	lab_send(&lab,
		START("MESSAGE") "Via: SIP/2.0/UDP "
				 "192.168.1.2:5062;branch=z9hG4bKx;keep;rport\n" IDENTITY(
					 "MESSAGE") "\n",
		CALLER, VIP4);
	ck_assert_ptr_nonnull(strstr(lab.out, ";keep;rport=5062;"));
	lab_send(&lab,
		START("INVITE") "Via: SIP/2.0/UDP "
				"192.168.1.2:5062;x=\";keep;\\\";keep\";keep=9\n" IDENTITY(
					"INVITE") "\n",
		CALLER, VIP4);
	ck_assert_ptr_nonnull(strstr(lab.out, ";x=\";keep;\\\";keep\";keep=9\r\n"));
}
END_TEST

START_TEST(no_record_route_where_no_dialog_begins)
{
	static const char *const without[] = {
		"BYE", "OPTIONS", "MESSAGE", "PUBLISH", "INFO", "PRACK", "CANCEL", "REGISTER"};
	static const char *const with[] = {"INVITE", "SUBSCRIBE", "REFER", "NOTIFY", "UPDATE"};

	for (unsigned int i = 0; i < 13; i++) {
		const char *method = i < 8 ? without[i] : with[i - 8];

		snprintf(text, sizeof(text),
			"%s sip:b@x SIP/2.0\n" TOP_VIA
			"To: <sip:b@x>\nFrom: <sip:a@x>;tag=1\nCall-ID: 1\nCSeq: 1 %s\n\n",
			method, method);
		lab_send(&lab, text, CALLER, VIP4);
		ck_action(&lab, ACTION_FORWARD);
		ck_assert((strstr(lab.out, "Record-Route") != NULL) == (i >= 8));
	}
}
END_TEST

START_TEST(rule_d_the_registrar_that_knows_the_aor)
{
	struct binding_table *bindings = (struct binding_table *)lab.ctx.bindings;
	uint64_t hash = binding_table_hash(bindings, STRV("bob"), STRV("example.com"));
	uint16_t by_table;

	restart(&(struct lab_options){.flags = SERVICE_AFFINITY_REGISTRATION});
	bindings = (struct binding_table *)lab.ctx.bindings;
	lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
	by_table = lab.d.backend;
	lab.ctx.txns = NULL;
	binding_table_set(bindings, hash,
		snapshot_backend(lab.snap, (uint16_t)((by_table + 1) % 3))->id, 1001);
	lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
	ck_assert_int_eq(lab.d.rule, RULE_BINDING);
	ck_assert_uint_eq(lab.d.backend, (by_table + 1) % 3);
	// Expired, or its backend down: the table.
	lab.ctx.now_ms += 1000;
	lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
	ck_assert_int_eq(lab.d.rule, RULE_TABLE);
	lab.ctx.now_ms -= 1000;
	lab.bits.pinned[0] &= ~(UINT64_C(1) << (by_table + 1) % 3);
	lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
	ck_assert_int_eq(lab.d.rule, RULE_TABLE);
}
END_TEST

// A REGISTER goes where its AoR belongs, not where an earlier one went; and a binding of another
// service is not this one's.
START_TEST(rule_d_is_not_for_everything)
{
	struct binding_table *bindings;
	uint64_t hash;

	restart(&(struct lab_options){.flags = SERVICE_AFFINITY_REGISTRATION});
	lab.ctx.txns = NULL;
	bindings = (struct binding_table *)lab.ctx.bindings;
	hash = binding_table_hash(bindings, STRV("bob"), STRV("example.com"));
	binding_table_set(bindings, hash, snapshot_backend(lab.snap, 1)->id, 2000);
	lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
	ck_assert_int_eq(lab.d.rule, RULE_BINDING);
	lab_send(&lab, REQUEST("REGISTER"), CALLER, VIP4);
	ck_assert_int_eq(lab.d.rule, RULE_TABLE);
	lab_send(&lab, REQUEST("INVITE"), CALLER, CORE4);
	ck_assert_int_eq(lab.d.rule, RULE_TABLE);
	ck_assert_uint_eq(snapshot_backend(lab.snap, lab.d.backend)->service, 1);
}
END_TEST

// Request-URIs of "bob@example.com", in place and not, and header fields behind the request line.
static const char *const of_bob[][2] = {
	{"sip:bob@example.com", ""},
	{"SIP:bob@example.com", ""},
	{"sip:bob@EXAMPLE.com", ""},
	{"sip:bob@example.com:5070", ""},
	{"sip:bob@example.com;user=phone", ""},
	{"sip:bob:secret@example.com", ""},
	{"sips:bob@example.com", ""},
	{"sip:bob@example.com", "Route: <sip:203.0.113.5;lr>\n"},
	{"sip:bob@Example.com", "Route: <sip:203.0.113.5;lr>\n"},
};

START_TEST(rule_d_however_the_aor_is_written)
{
	struct binding_table *bindings;

	restart(&(struct lab_options){.flags = SERVICE_AFFINITY_REGISTRATION});
	lab.ctx.txns = NULL;
	bindings = (struct binding_table *)lab.ctx.bindings;
	binding_table_set(bindings, binding_table_hash(bindings, STRV("bob"), STRV("example.com")),
		snapshot_backend(lab.snap, 1)->id, 2000);
	snprintf(text, sizeof(text), "INVITE %s SIP/2.0\n%s" TOP_VIA IDENTITY("INVITE") "\n",
		of_bob[_i][0], of_bob[_i][1]);
	lab_send(&lab, text, CALLER, VIP4);
	ck_assert_int_eq(lab.d.rule, RULE_BINDING);
	ck_assert_uint_eq(lab.d.backend, 1);
}
END_TEST

START_TEST(other_keys_than_the_call_id)
{
	static const struct {
		uint8_t key;
		const char *to, *from, *source;
		bool same;
	} rows[] = {
		{HASH_FROM_AOR, "<sip:x@y>", "\"A\" <sip:alice@Example.com;a=b>;tag=2", CALLER,
			true},
		{HASH_FROM_AOR, "<sip:bob@example.com>", "<sip:carol@example.com>;tag=1", CALLER,
			false},
		{HASH_TO_AOR, "sip:bob@EXAMPLE.COM", "<sip:x@y>;tag=2", CALLER, true},
		{HASH_SOURCE_IP, "<sip:x@y>", "<sip:z@y>;tag=2", "198.51.100.10:1024", true},
		{HASH_SOURCE_IP, "<sip:bob@example.com>", "<sip:x@y>;tag=2", "198.51.100.11:5062",
			false},
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t hash;

		restart(&(struct lab_options){.hash_key = rows[i].key});
		lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
		hash = lab.d.row_hash;
		snprintf(text, sizeof(text),
			START("MESSAGE") TOP_VIA
			"To: %s\nFrom: %s\nCall-ID: other\nCSeq: 1 MESSAGE\n\n",
			rows[i].to, rows[i].from);
		lab_send(&lab, text, rows[i].source, VIP4);
		ck_assert_msg((lab.d.row_hash == hash) == rows[i].same, "%u", i);
	}
}
END_TEST

// Do 20 requests with Call-IDs of their own, from one AoR or each from another, go to one backend?
// By chance they do not.
static bool go_together(const char *method, bool one_aor)
{
	uint16_t first = SNAPSHOT_NONE;
	bool together = true;

	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text),
			"%s sip:example.com SIP/2.0\n" TOP_VIA "Max-Forwards: 70\n"
			"To: <sip:bob@example.com>\nFrom: <sip:alice%d@example.com>;tag=%d\n"
			"Call-ID: call-%d\nCSeq: 1 %s\n\n",
			method, one_aor ? 0 : i, i, i, method);
		lab_send(&lab, text, CALLER, VIP4);
		ck_assert_int_eq(lab.d.rule, RULE_TABLE);
		if (i == 0)
			first = lab.d.backend;
		together &= lab.d.backend == first;
	}
	return together;
}

START_TEST(registrations_may_go_by_another_key)
{
	restart(&(struct lab_options){
		.hash_key = HASH_CALL_ID, .register_hash_key = HASH_FROM_AOR});
	lab.ctx.txns = NULL;
	ck_assert(go_together("REGISTER", true));
	ck_assert(!go_together("REGISTER", false));
	ck_assert(!go_together("INVITE", true));
	// Here neither goes by the Call-ID.
	restart(&(struct lab_options){.hash_key = HASH_FROM_AOR, .register_hash_key = HASH_TO_AOR});
	lab.ctx.txns = NULL;
	ck_assert(go_together("REGISTER", false));
	ck_assert(go_together("INVITE", true));
	ck_assert(!go_together("INVITE", false));
}
END_TEST

START_TEST(redirect_answers_with_the_backend)
{
	restart(&(struct lab_options){.mode = SERVICE_REDIRECT});
	lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
	ck_action(&lab, ACTION_REPLY);
	ck_assert_uint_eq(lab.d.reply_status, 302);
	ck_assert_ptr_nonnull(strstr(lab.out, "\r\nContact: <sip:bob@10.20.1.1"));
	lab_send(&lab, REQUEST("ACK"), CALLER, VIP4);
	ck_dropped(&lab, DROP_ACK_UNANSWERABLE);
}
END_TEST

START_TEST(dsr_changes_nothing_in_the_message)
{
	restart(&(struct lab_options){.mode = SERVICE_DSR});
	lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	ck_assert_uint_eq(lab.d.edits.nb, 0);
	ck_assert_uint_eq(strlen(lab.out), lab.msg.len);
	ck_assert_mem_eq(lab.out, lab.msg.buf, lab.msg.len);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("request");

	// Once: every test runs in a process of its own with a copy.
	tcase_add_unchecked_fixture(tc, setup, teardown);
	tcase_add_test(tc, rfc3261_16_11_an_invite_goes_to_a_backend);
	tcase_add_test(tc, rfc3261_16_11_the_row_of_the_call_id_chooses);
	tcase_add_test(tc, a_request_that_comes_back_from_a_backend_is_another_transaction);
	tcase_add_test(tc, rfc3261_16_11_a_retransmission_is_the_same_to_the_octet);
	tcase_add_test(
		tc, rfc3261_16_11_cancel_and_ack_of_a_failure_have_the_branch_of_their_invite);
	tcase_add_test(tc, rfc3261_16_11_another_branch_or_source_makes_another_branch);
	tcase_add_test(tc, rfc3261_16_11_a_sender_without_the_cookie);
	tcase_add_loop_test(
		tc, rfc3261_18_2_1_rfc3581_4_received_and_rport, 0, sizeof(vias) / sizeof(vias[0]));
	tcase_add_test(tc, rfc3261_16_6_3_max_forwards_is_one_less);
	tcase_add_test(tc, rfc3261_16_6_3_max_forwards_is_added);
	tcase_add_loop_test(tc, rfc3261_16_6_3_max_forwards_may_stand_anywhere, 0,
		sizeof(fronts) / sizeof(fronts[0]));
	tcase_add_loop_test(
		tc, rfc3261_16_3_what_is_refused, 0, sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_test(tc, rfc3261_8_2_7_ack_and_cancel_are_never_answered);
	tcase_add_test(tc, schemes_that_backends_route_pass);
	tcase_add_test(tc, extension_methods_and_header_fields_pass);
	tcase_add_test(tc, rfc3261_11_options_with_a_user_is_passed_on);
	tcase_add_test(tc, rfc3261_11_2_options_gets_what_an_invite_would);
	tcase_add_test(tc, without_a_backend_503_or_nothing);
	tcase_add_test(tc, without_the_flag_nothing_unparsable_is_answered);
	tcase_add_test(tc, sources_that_nobody_can_answer_are_dropped);
	tcase_add_test(tc, limits_of_the_service_hold_for_outside);
	tcase_add_test(tc, rfc3327_5_2_path_for_those_that_support_it);
	tcase_add_test(tc, rfc5626_5_1_ob_for_the_first_hop_of_outbound);
	tcase_add_test(tc, rfc6223_keep_gets_a_value);
	tcase_add_test(tc, no_record_route_where_no_dialog_begins);
	tcase_add_test(tc, rule_d_the_registrar_that_knows_the_aor);
	tcase_add_test(tc, rule_d_is_not_for_everything);
	tcase_add_loop_test(
		tc, rule_d_however_the_aor_is_written, 0, sizeof(of_bob) / sizeof(of_bob[0]));
	tcase_add_test(tc, other_keys_than_the_call_id);
	tcase_add_test(tc, registrations_may_go_by_another_key);
	tcase_add_test(tc, redirect_answers_with_the_backend);
	tcase_add_test(tc, dsr_changes_nothing_in_the_message);
	return run_suite("request", tc);
}

// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>

#include "dataplane/dispatch/decide.h"
#include "tests/dispatch/lab.h"
#include "tests/dispatch/messages.h"
#include "tests/dispatch/suite.h"

// What a token in Route is worth, however it is read: as it is nearly always written, at a glance
// and with its tag checked when the burst is decided; written in any other way, closely and at
// once.

static struct lab lab;
static char uri[256]; // of our Record-Route
static char backend[ENDPOINT_TEXT_MAX]; // that took the call
static const char *caller;

// Keep the URI of the Record-Route that was put in.
static void take_uri(void)
{
	const char *start = strstr(lab.out, "Record-Route: <");

	ck_assert_ptr_nonnull(start);
	start += strlen("Record-Route: <");
	snprintf(uri, sizeof(uri), "%.*s", (int)(strchr(start, '>') - start), start);
}

static void begin(const char *from)
{
	lab_init(&lab, NULL);
	caller = from;
	lab_send(&lab,
		"INVITE sip:bob@203.0.113.5 SIP/2.0\n" TOP_VIA
		"Max-Forwards: 70\n" IDENTITY("INVITE") "\n",
		caller, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	take_uri();
	endpoint_format(&lab.d.to, backend);
}

static void teardown(void)
{
	lab_fini(&lab);
}

static void in_dialog(
	const char *method, const char *request_uri, const char *route, const char *from)
{
	char text[4096], lines[3000];

	snprintf(lines, sizeof(lines), route, uri);
	snprintf(text, sizeof(text),
		"%s %s SIP/2.0\n" TOP_VIA "Max-Forwards: 70\n%s" IN_DIALOG("%s") "\n", method,
		request_uri, lines, method);
	lab_send(&lab, text, from, VIP4);
}

// Without what the message before it left behind.
static void alone(const char *method, const char *request_uri, const char *route, const char *from)
{
	lab_forget(&lab);
	in_dialog(method, request_uri, route, from);
}

static void same_both_ways(
	const char *method, const char *request_uri, const char *behind, const char *from)
{
	char at_a_glance[2048], closely[2048];
	struct decision glance;
	char *out;

	snprintf(at_a_glance, sizeof(at_a_glance), "Route: <%%s>%s\n", behind);
	// A name in front is not read at a glance; of a Route alone, neither is a SP behind.
	snprintf(closely, sizeof(closely), "Route: \"us\" <%%s>%s%s\n", behind,
		*behind == '\0' ? " " : "");
	alone(method, request_uri, at_a_glance, from);
	glance = lab.d;
	out = lab_out(&lab);
	alone(method, request_uri, closely, from);
	ck_assert_int_eq(glance.action, lab.d.action);
	ck_assert_int_eq(glance.rule, lab.d.rule);
	ck_assert_int_eq(glance.drop, lab.d.drop);
	ck_assert_int_eq(glance.token, lab.d.token);
	ck_assert_int_eq(glance.dialog_pinned, lab.d.dialog_pinned);
	ck_assert_int_eq(glance.backend, lab.d.backend);
	ck_assert_int_eq(glance.from, lab.d.from);
	ck_assert_int_eq(glance.reply_status, lab.d.reply_status);
	ck_assert(glance.action == ACTION_DROP || endpoint_eq(&glance.to, &lab.d.to));
	ck_assert_str_eq(out, lab.out);
	free(out);
}

static const struct {
	const char *method, *uri; // NULL: the token's, as a strict router has it
} requests[] = {
	{"BYE", "sip:peer@192.0.2.200:5099"},
	{"BYE", "sips:peer@192.0.2.200:5099"}, // a 500 where it is the next hop
	{"BYE", "sip:203.0.113.5"},
	{"BYE", "sip:bob@192.0.2.200:5060;maddr=203.0.113.5"},
	{"BYE", NULL},
	{"ACK", "sip:peer@192.0.2.200:5099"},
	{"INVITE", "sip:peer@192.0.2.200:5099"},
	{"OPTIONS", "sip:203.0.113.5"},
	{"SUBSCRIBE", "sip:peer@192.0.2.200:5099"},
};

static void all_requests(const char *behind)
{
	const char *sources[] = {
		caller, backend, "10.20.1.11:5060", "10.20.1.12:5060", "192.0.2.77:5060"};

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		for (size_t s = 0; s < sizeof(sources) / sizeof(sources[0]); s++)
			same_both_ways(requests[i].method,
				requests[i].uri != NULL ? requests[i].uri : uri, behind,
				sources[s]);
}

static void all_ways(void)
{
	all_requests("");
}

START_TEST(behind_another_scheme_a_token_is_none)
{
	begin(CALLER);
	memcpy(uri, "tel:", 4);
	alone("BYE", "sip:peer@192.0.2.200:5099", "Route: <%s>\n", caller);
	ck_action(&lab, ACTION_FORWARD);
	ck_assert_int_ne(lab.d.rule, RULE_TOKEN);
	ck_assert_ptr_nonnull(strstr(lab.out, "Route: <tel:"));
	memcpy(uri, "SIP:", 4);
	alone("BYE", "sip:peer@192.0.2.200:5099", "Route: <%s>\n", caller);
	ck_assert_int_eq(lab.d.rule, RULE_TOKEN);
	ck_assert_ptr_null(strstr(lab.out, "Route: <SIP:"));
}
END_TEST

// Every character of the token once as another one: kind, key, what it says, tag. From outside, and
// in a call that a backend made through us, whose both sides are backends.
static void a_token_is_worth_the_same(const char *from)
{
	begin(from);
	all_ways();
	for (char *p = uri + strlen("sip:"); *p != '@'; p++) {
		char c = *p;

		*p = c == 'b' ? 'c' : 'b';
		all_ways();
		*p = c;
	}
	// Draining, and gone.
	memset(lab.bits.fresh, 0, sizeof(lab.bits.fresh));
	all_ways();
	uri[40] ^= 1;
	all_ways();
	memset(lab.bits.pinned, 0, sizeof(lab.bits.pinned));
	all_ways();
	uri[40] ^= 1;
	all_ways();
}

START_TEST(a_token_is_worth_the_same_at_a_glance_and_closely)
{
	a_token_is_worth_the_same(CALLER);
}
END_TEST

START_TEST(so_is_one_of_a_backend_that_calls)
{
	a_token_is_worth_the_same("10.20.1.11:40000");
}
END_TEST

// A call with another Call-ID.
static void other_call(unsigned int i)
{
	char text[2048];

	snprintf(text, sizeof(text),
		"INVITE sip:bob@203.0.113.5 SIP/2.0\n" TOP_VIA
		"To: <sip:b@x>\nFrom: <sip:a@x>;tag=2\nCall-ID: %u\nCSeq: 1 INVITE\n\n",
		i);
	lab_send(&lab, text, CALLER, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	take_uri();
}

static const char *const behind[] = {
	", <sip:10.20.1.11;lr>",
	"\nRoute: <sip:10.20.1.11;lr>",
	",<sip:10.20.1.11>", // a strict router
	", x<sip:10.20.1.11;lr>",
	", <sip:192.0.2.9;lr>, <sip:192.0.2.10;lr>",
	", <sip:192.0.2.9;lr>, <sip:a b>",
	", <sip:192.0.2.9;lr>\nRoute: <sip:a;lr>, x",
	", <sip:192.0.2.9;lr>\nX: y\nRoute: <sip:a;lr>, <sip:b;lr>, <sip:c;lr>",
	", <sip:203.0.113.5;lr>",
	", <sip:203.0.113.5:5060;lr>",
	", <sip:proxy.example.com;lr>",
	", <sip:[2001:db8::9];lr>",
	", <sip:192.0.2.9;lr;maddr=192.0.2.10>",
	", <sip:raaaabbbbccccddddeeeeffffgggghhhhiiiijjjjk@192.0.2.9;lr>",
	", <tel:+12015550123>",
	",",
};

START_TEST(so_is_one_with_others_behind_it)
{
	begin(CALLER);
	all_requests(behind[_i]);
	uri[40] ^= 1;
	all_requests(behind[_i]);
}
END_TEST

// More of ours than there is room for what is taken out, each in a header field of its own.
START_TEST(so_are_many_of_ours_far_apart)
{
	char many[2000] = "";

	for (int i = 0; i < 12; i++)
		strcat(many, "\nX: y\nRoute: <sip:203.0.113.5;lr>");
	begin(CALLER);
	all_requests(many);
	many[0] = '\0';
	for (int i = 0; i < 12; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many), "\nX: y\nRoute: <%s>",
			uri);
	all_requests(many);
}
END_TEST

// A transaction is remembered by what decided, and that is never a token that lies: here the one of
// another call at another backend, then one of a backend that there is not.
START_TEST(a_forged_token_is_not_remembered)
{
	static const char *const methods[] = {"INVITE", "BYE"};
	static const char *const routes[] = {"Route: <%s>\n", "Route: \"us\" <%s>\n",
		"Route: <%s>\nRoute: <sip:proxy.example.com;lr>\n"};
	uint16_t honest;

	for (unsigned int i = 0; i < 12; i++) {
		begin(CALLER);
		honest = lab.d.backend;
		for (unsigned int c = 10; lab.d.backend == honest; c++)
			other_call(c);
		if (i >= 6)
			uri[8] = uri[8] == 'b' ? 'c' : 'b';
		in_dialog(methods[i % 2], "sip:peer@192.0.2.200:5099", routes[i / 2 % 3], CALLER);
		ck_action(&lab, ACTION_FORWARD);
		ck_assert_uint_eq(lab.d.token, TOKEN_FORGED);
		ck_assert_int_eq(lab.d.rule, RULE_TABLE);
		ck_assert(!lab.d.dialog_pinned);
		ck_assert_uint_eq(lab.d.backend, honest);
		lab_fini(&lab);
	}
	begin(CALLER);
}
END_TEST

#define BURST DECIDE_MAX

// Each with a Call-ID of its own, every third one's token of the call before it.
START_TEST(in_a_burst_each_token_is_checked_by_itself)
{
	static struct lab labs[BURST];
	static struct decision alone[BURST], many[BURST];
	const struct decide_in *in[BURST];
	struct decision *out[BURST];
	char previous[256] = "";

	begin(CALLER);
	lab.ctx.txns = NULL;
	for (unsigned int i = 0; i < BURST; i++) {
		char text[2048];

		other_call(i);
		snprintf(text, sizeof(text),
			"BYE sip:x@192.0.2.9 SIP/2.0\n" TOP_VIA
			"Route: <%s>\nTo: <sip:b@x>;tag=1\nFrom: <sip:a@x>;tag=2\nCall-ID: %u\n"
			"CSeq: 2 BYE\n\n",
			i % 3 == 2 ? previous : uri, i);
		snprintf(previous, sizeof(previous), "%s", uri);
		labs[i] = (struct lab){.ctx = lab.ctx, .bits = lab.bits};
		lab_send(&labs[i], text, CALLER, VIP4);
		alone[i] = labs[i].d;
		labs[i].in.msg = &labs[i].msg;
		in[i] = &labs[i].in;
		out[i] = &many[i];
	}
	decide_many(&lab.ctx, in, out, BURST);
	for (unsigned int i = 0; i < BURST; i++) {
		ck_assert_int_eq(many[i].token, i % 3 == 2 ? TOKEN_FORGED : TOKEN_OK);
		ck_assert_int_eq(many[i].rule, i % 3 == 2 ? RULE_TABLE : RULE_TOKEN);
		ck_assert_int_eq(many[i].action, ACTION_FORWARD);
		ck_assert_uint_eq(many[i].backend, alone[i].backend);
		ck_assert_uint_eq(many[i].edits.text_len, alone[i].edits.text_len);
		ck_assert_mem_eq(many[i].edits.text, alone[i].edits.text, alone[i].edits.text_len);
		free(labs[i].raw);
	}
}
END_TEST

static const char *const malformed[] = {
	"Route: <%s>\nRoute: <sip:a b>\n",
	"Route: <%s>, <sip:a\"b;lr>\n",
	"Route: <%s>, <sip:10.20.1.11;lr;x: y>\n",
	"Route: <%s>, sip:a;lr\n",
	"Route: <%s>, <sip:192.0.2.9;lr>, <sip:a b>\n",
	"Route: <%s>\nRoute: <sip:a;lr\n",
};

START_TEST(what_is_no_route_behind_ours_gets_a_400)
{
	begin(CALLER);
	in_dialog("BYE", "sip:peer@192.0.2.200:5099", malformed[_i], CALLER);
	ck_action(&lab, ACTION_REPLY);
	ck_assert_uint_eq(lab.d.reply_status, 400);
	in_dialog("BYE", "sip:peer@192.0.2.200:5099", malformed[_i], backend);
	ck_action(&lab, ACTION_REPLY);
	ck_assert_uint_eq(lab.d.reply_status, 400);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("route_token");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, a_token_is_worth_the_same_at_a_glance_and_closely);
	tcase_add_test(tc, behind_another_scheme_a_token_is_none);
	tcase_add_test(tc, so_is_one_of_a_backend_that_calls);
	tcase_add_loop_test(
		tc, so_is_one_with_others_behind_it, 0, sizeof(behind) / sizeof(behind[0]));
	tcase_add_test(tc, so_are_many_of_ours_far_apart);
	tcase_add_test(tc, a_forged_token_is_not_remembered);
	tcase_add_test(tc, in_a_burst_each_token_is_checked_by_itself);
	tcase_add_loop_test(tc, what_is_no_route_behind_ours_gets_a_400, 0,
		sizeof(malformed) / sizeof(malformed[0]));
	return run_suite("route_token", tc);
}

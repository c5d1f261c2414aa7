// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>

#include "dataplane/dispatch/decide.h"
#include "tests/dispatch/lab.h"
#include "tests/dispatch/messages.h"
#include "tests/dispatch/suite.h"

static struct lab lab;
static char text[8192];
static char via[256]; // ours, as a header field
static char backend[ENDPOINT_TEXT_MAX];

static void invite(const char *top_via, const char *source, uint16_t listener)
{
	const char *start, *end;

	snprintf(text, sizeof(text), START("INVITE") "%s" IDENTITY("INVITE") "\n", top_via);
	lab_send(&lab, text, source, listener);
	ck_action(&lab, ACTION_FORWARD);
	start = strstr(lab.out, "Via: ");
	end = strchr(start, '\n');
	snprintf(via, sizeof(via), "%.*s", (int)(end + 1 - start), start);
	endpoint_format(&lab.d.to, backend);
}

static void setup(void)
{
	lab_init(&lab, NULL);
	invite(TOP_VIA, CALLER, VIP4);
}

static void teardown(void)
{
	lab_fini(&lab);
}

// A response with these Vias from `source`.
static void respond(const char *vias, const char *source, uint16_t listener)
{
	snprintf(text, sizeof(text), "SIP/2.0 180 Ringing\n%s" IN_DIALOG("INVITE") "\n", vias);
	lab_send(&lab, text, source, listener);
}

static const char *vias(const char *first, const char *rest)
{
	static char both[1024];

	snprintf(both, sizeof(both), "%s%s", first, rest);
	return both;
}

START_TEST(rfc3261_16_11_ours_is_popped_and_the_next_via_names_the_target)
{
	respond(vias(via, STAMPED_VIA), backend, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	ck_assert_int_eq(lab.d.rule, RULE_VIA);
	ck_to(&lab, CALLER);
	ck_assert_uint_eq(lab.d.from, VIP4);
	ck_out(&lab, "SIP/2.0 180 Ringing\n" STAMPED_VIA IN_DIALOG("INVITE") "\n");
}
END_TEST

START_TEST(rfc3261_7_3_1_vias_on_one_line)
{
	char line[1024];

	snprintf(line, sizeof(line), "v: %.*s ,\r\n %s", (int)strcspn(via, "\r") - 5, via + 5,
		&(STAMPED_VIA)[5]);
	respond(line, backend, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	ck_to(&lab, CALLER);
	ck_out(&lab,
		"SIP/2.0 180 Ringing\nv: SIP/2.0/UDP "
		"192.168.1.2:5062;branch=z9hG4bK776asdhds;rport=5062;received=198.51.100."
		"10\n" IN_DIALOG("INVITE") "\n");
}
END_TEST

START_TEST(rfc3261_7_3_1_vias_on_one_line_and_another)
{
	char line[1024];

	snprintf(line, sizeof(line), "%.*s, %sVia: SIP/2.0/UDP 192.0.2.3;branch=z9hG4bKfirst\n",
		(int)strcspn(via, "\r"), via, &(STAMPED_VIA)[5]);
	respond(line, backend, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	ck_to(&lab, CALLER);
	ck_out(&lab,
		"SIP/2.0 180 Ringing\n" STAMPED_VIA
		"Via: SIP/2.0/UDP 192.0.2.3;branch=z9hG4bKfirst\n" IN_DIALOG("INVITE") "\n");
}
END_TEST

#define TEXT_70 "a123456789b123456789c123456789d123456789e123456789f123456789g123456789"
#define TEXT_420 TEXT_70 TEXT_70 TEXT_70 TEXT_70 TEXT_70 TEXT_70
#define SHORT_VIA "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\n"

// So many octets before it and behind it.
static void popped_between(unsigned int before, unsigned int behind)
{
	static char expected[sizeof(text)];
	static const char octets[] = TEXT_420 TEXT_420 TEXT_420 TEXT_420;

	snprintf(text, sizeof(text),
		"SIP/2.0 180 Ringing\n" IN_DIALOG("INVITE") "Subject: %.*s\n%s" SHORT_VIA "\n%.*s",
		(int)before, octets, via, (int)behind, octets);
	snprintf(expected, sizeof(expected),
		"SIP/2.0 180 Ringing\n" IN_DIALOG("INVITE") "Subject: %.*s\n" SHORT_VIA "\n%.*s",
		(int)before, octets, (int)behind, octets);
	lab_send(&lab, text, backend, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	ck_out(&lab, expected);
}

START_TEST(rfc3261_16_11_ours_is_popped_wherever_it_stands)
{
	invite(SHORT_VIA, "192.0.2.1:4000", VIP4);
	for (unsigned int before = 0; before < 400; before++)
		popped_between(before, before % 40);
	popped_between(EDIT_TEXT_MAX, 0);
	for (unsigned int behind = 0; behind < 100; behind++)
		popped_between(0, behind);
}
END_TEST

static const struct {
	const char *sent, *source, *returned, *to;
	uint16_t listener;
} targets[] = {
	// 18.2.2: without rport to the sent-by port, at the address that it came from.
	{"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\n", "192.0.2.1:4000", NULL, "192.0.2.1:5060",
		VIP4},
	{"Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKa\n", "192.0.2.1:4000", NULL,
		"192.0.2.1:5070", VIP4},
	{"Via: SIP/2.0/UDP host.example.com:5070;branch=z9hG4bKa\n", "192.0.2.1:4000",
		"Via: SIP/2.0/UDP host.example.com:5070;received=192.0.2.1;branch=z9hG4bKa\n",
		"192.0.2.1:5070", VIP4},
	// maddr does not make us send elsewhere.
	{"Via: SIP/2.0/UDP 192.0.2.1;maddr=192.0.2.99;branch=z9hG4bKa\n", "192.0.2.1:4000", NULL,
		"192.0.2.1:5060", VIP4},
	// RFC 5118 section 4.5: received with or without brackets.
	{"Via: SIP/2.0/UDP [2001:db8::9]:5070;branch=z9hG4bKa;rport\n", "[2001:db8::9]:6000",
		"Via: SIP/2.0/UDP "
		"[2001:db8::9]:5070;branch=z9hG4bKa;rport=6000;received=[2001:db8::9]\n",
		"[2001:db8::9]:6000", VIP6},
	{"Via: SIP/2.0/UDP [2001:db8::9]:5070;branch=z9hG4bKa;rport\n", "[2001:db8::9]:6000",
		"Via: SIP/2.0/UDP "
		"[2001:db8::9]:5070;branch=z9hG4bKa;rport=6000;received=2001:db8::9\n",
		"[2001:db8::9]:6000", VIP6},
	// Longer than one vector, and than two.
	{"Via: SIP/2.0/UDP " TEXT_70 ".example.com:5070;branch=z9hG4bKa;rport\n", "192.0.2.1:4000",
		"Via: SIP/2.0/UDP " TEXT_70
		".example.com:5070;branch=z9hG4bKa;rport=4000;received=192.0.2.1\n",
		"192.0.2.1:4000", VIP4},
	{"Via: SIP/2.0/UDP " TEXT_70 ";branch=z9hG4bK" TEXT_70 ";rport\n", "192.0.2.1:4000",
		"Via: SIP/2.0/UDP " TEXT_70 ";branch=z9hG4bK" TEXT_70
		";rport=4000;received=192.0.2.1\n",
		"192.0.2.1:4000", VIP4},
	{"Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK" TEXT_70 ";rport\n", "192.0.2.1:4000",
		"Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK" TEXT_70
		";rport=4000;received=192.0.2.1\n",
		"192.0.2.1:4000", VIP4},
	{"Via: SIP/2.0/UDP " TEXT_70 ";rport;branch=z9hG4bKa\n", "192.0.2.1:4000",
		"Via: SIP/2.0/UDP " TEXT_70 ";rport=4000;received=192.0.2.1;branch=z9hG4bKa\n",
		"192.0.2.1:4000", VIP4},
	// RFC 2543: no branch, or one without the cookie.
	{"Via: SIP/2.0/UDP 192.0.2.1;branch=1\n", "192.0.2.1:4000", NULL, "192.0.2.1:5060", VIP4},
	{"Via: SIP/2.0/UDP 192.0.2.1\n", "192.0.2.1:4000", NULL, "192.0.2.1:5060", VIP4},
};

START_TEST(rfc3261_18_2_2_rfc3581_4_targets)
{
	const char *returned =
		targets[_i].returned != NULL ? targets[_i].returned : targets[_i].sent;
	char line[512];

	invite(targets[_i].sent, targets[_i].source, targets[_i].listener);
	// The response keeps the From tag, Call-ID and CSeq of the request.
	snprintf(text, sizeof(text), "SIP/2.0 200 OK\n%s%s" IDENTITY("INVITE") "\n", via, returned);
	lab_send(&lab, text, backend, lab.d.from);
	ck_action(&lab, ACTION_FORWARD);
	ck_to(&lab, targets[_i].to);
	ck_assert_uint_eq(lab.d.from, targets[_i].listener);
	snprintf(line, sizeof(line), "SIP/2.0 200 OK\n%s" IDENTITY("INVITE") "\n", returned);
	ck_out(&lab, line);
}
END_TEST

static const char *const foreign[] = {
	"192.0.2.1",
	"203.0.113.5:50601",
	"203.0.113.5:506",
	"203.0.113.50:5060",
	"203.0.113",
};

START_TEST(rfc3261_16_11_a_foreign_via_is_dropped_silently)
{
	char line[256];

	snprintf(line, sizeof(line), "Via: SIP/2.0/UDP %s;branch=z9hG4bKx\n" STAMPED_VIA,
		foreign[_i]);
	respond(line, backend, VIP4);
	ck_dropped(&lab, DROP_FOREIGN_VIA);
}
END_TEST

START_TEST(a_forged_branch_is_dropped)
{
	char *branch = strstr(via, "z9hG4bK");

	respond("Via: SIP/2.0/UDP " VIP ";branch=z9hG4bKx\n" STAMPED_VIA, backend, VIP4);
	ck_dropped(&lab, DROP_FORGED_BRANCH);
	for (int i = 7; i < 33; i++) {
		char was = branch[i];

		branch[i] = was == 'q' ? 'r' : 'q';
		respond(vias(via, STAMPED_VIA), backend, VIP4);
		ck_dropped(&lab, DROP_FORGED_BRANCH);
		branch[i] = was;
	}
	respond(vias(via, STAMPED_VIA), backend, VIP4);
	ck_action(&lab, ACTION_FORWARD);
}
END_TEST

START_TEST(a_branch_replayed_to_elsewhere_is_dropped)
{
	static const char *const others[] = {
		"Via: SIP/2.0/UDP "
		"192.168.1.2:5062;branch=z9hG4bK776asdhds;rport=5062;received=192.0.2.66\n",
		"Via: SIP/2.0/UDP "
		"192.168.1.2:5062;branch=z9hG4bK776asdhds;rport=53;received=198.51.100.10\n",
		"Via: SIP/2.0/UDP 192.168.1.2:5062;branch=z9hG4bK776asdhds\n",
		"Via: SIP/2.0/UDP "
		"192.168.1.2:5062;branch=z9hG4bK776asdhdt;rport=5062;received=198.51.100.10\n",
		"Via: SIP/2.0/UDP 192.168.1.2:5062;branch=1;rport=5062;received=198.51.100.10\n",
		"Via: SIP/2.0/UDP [2001:db8::1]:5062;branch=z9hG4bK776asdhds;rport=5062\n",
	};

	for (unsigned int i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		respond(vias(via, others[i]), backend, VIP4);
		ck_dropped(&lab, DROP_FORGED_BRANCH);
	}
}
END_TEST

static const char *const nowhere[] = {
	"",
	"Via: SIP/2.0/UDP host.example.com\n",
	"Via: SIP/2.0/UDP 192.168.1.2:0;branch=z9hG4bK776asdhds\n",
	"Via: SIP/2.0/UDP 192.168.1.2:65536;branch=z9hG4bK776asdhds\n",
	"Via: SIP/2.0/UDP 192.168.1.2:070596;branch=z9hG4bK776asdhds\n",
	"Via: SIP/2.0/UDP 192.168.1.2:50:0;branch=z9hG4bK776asdhds\n",
	"Via: SIP/2.0/UDP 192.168.1.2:;branch=z9hG4bK776asdhds\n",
	"Via: SIP/2.0/UDP 192.168.1.2/24;branch=z9hG4bK776asdhds;received=198.51.100.10\n",
	"Via: SIP/2.0/UDP :5060;branch=z9hG4bK776asdhds;received=198.51.100.10\n",
	"Via: SIP/2.0/UDP ;branch=z9hG4bK776asdhds;received=198.51.100.10\n",
	"Via: SIP/2.0/UDP 192.168.1.2;branch=z9hG4bK776asdhds;branch=z9hG4bK776asdhds\n",
	"Via: SIP/2.0/UDP 192.168.1.2;rport=1;rport=2;branch=z9hG4bK776asdhds\n",
	"Via: SIP/2.0/UDP 192.168.1.2;received=1.2.3.4;received=1.2.3.4;branch=z9hG4bK776asdhds\n",
	"Via: SIP/2.0/UDP 192.168.1.2;rport=65536;branch=z9hG4bK776asdhds\n",
	// What would be no Via at the top of what the caller gets.
	"Via: SIP/2.0/UDP "
	"192.168.1.2:5062;branch=z9hG4bK776asdhds;rport=5062;received=198.51.100.10,\n",
	"Via: SIP/2.0/UDP "
	"192.168.1.2:5062;branch=z9hG4bK776asdhds;rport=5062;received=198.51.100.10, x\n",
};

START_TEST(without_a_next_via_there_is_nowhere_to_go)
{
	respond(vias(via, nowhere[_i]), backend, VIP4);
	ck_dropped(&lab, DROP_NO_NEXT_VIA);
}
END_TEST

START_TEST(a_response_from_a_stranger_is_dropped)
{
	respond(vias(via, STAMPED_VIA), "198.51.100.66:5060", VIP4);
	ck_dropped(&lab, DROP_RESPONSE_NOT_FROM_BACKEND);
}
END_TEST

// Whoever wrote our own address into a request would have us send its answers to ourselves, or to
// everybody.
START_TEST(a_target_that_nothing_is_sent_to)
{
	invite("Via: SIP/2.0/UDP x;rport;branch=z9hG4bKloop\n", VIP, VIP4);
	respond(vias(via,
			"Via: SIP/2.0/UDP x;rport=5060;received=203.0.113.5;branch=z9hG4bKloop\n"),
		backend, VIP4);
	ck_dropped(&lab, DROP_BAD_TARGET);
}
END_TEST

// RFC 3581 section 4: it may leave from no other address. A reload has taken that away.
START_TEST(a_response_to_a_listener_that_is_gone)
{
	struct lab after;

	invite(TOP_VIA, CALLER, OTHER_PORT);
	snprintf(text, sizeof(text), "SIP/2.0 200 OK\n%s%s" IN_DIALOG("INVITE") "\n", via,
		STAMPED_VIA);
	lab_send(&lab, text, backend, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	ck_assert_uint_eq(lab.d.from, OTHER_PORT);
	lab_init(&after, &(struct lab_options){.without_other_port = true});
	lab_send(&after, text, backend, VIP4);
	ck_dropped(&after, DROP_NO_LISTENER);
	lab_fini(&after);
}
END_TEST

START_TEST(a_removed_backend_still_answers)
{
	struct lab after;
	bool kam2 = strcmp(backend, "10.20.1.12:5060") == 0;

	// Call-IDs until one is kam2's.
	for (int i = 0; !kam2; i++) {
		snprintf(text, sizeof(text),
			START("INVITE") TOP_VIA
			"To: <sip:b@x>\nFrom: <sip:a@x>;tag=1\nCall-ID: %d\nCSeq: 1 INVITE\n\n",
			i);
		lab_send(&lab, text, CALLER, VIP4);
		endpoint_format(&lab.d.to, backend);
		kam2 = strcmp(backend, "10.20.1.12:5060") == 0;
	}
	snprintf(text, sizeof(text), "SIP/2.0 200 OK\r\n%s", strstr(lab.out, "Via: "));
	lab_init(&after, &(struct lab_options){.without_kam2 = true});
	lab_send(&after, text, backend, VIP4);
	ck_action(&after, ACTION_FORWARD);
	ck_to(&after, CALLER);
	lab_fini(&after);
}
END_TEST

START_TEST(rfc3581_4_it_leaves_from_where_the_request_came)
{
	lab_fini(&lab);
	lab_init(&lab, &(struct lab_options){.two_sided = true});
	invite(TOP_VIA, CALLER, VIP4);
	ck_assert_uint_eq(lab.d.from, INSIDE);
	respond(vias(via, STAMPED_VIA), backend, INSIDE);
	ck_action(&lab, ACTION_FORWARD);
	ck_assert_uint_eq(lab.d.from, VIP4);
	ck_to(&lab, CALLER);
}
END_TEST

START_TEST(a_response_to_a_backend_returns_to_the_one_that_asked)
{
	snprintf(text, sizeof(text),
		"INVITE sip:bob@192.0.2.9 SIP/2.0\n"
		"Via: SIP/2.0/UDP 10.20.1.12;branch=z9hG4bKb\n" IDENTITY("INVITE") "\n");
	lab_send(&lab, text, "10.20.1.12:5060", VIP4);
	ck_to(&lab, "192.0.2.9:5060");
	snprintf(text, sizeof(text), "SIP/2.0 200 OK\r\n%s", strstr(lab.out, "Via: "));
	lab_send(&lab, text, "192.0.2.9:5060", VIP4);
	ck_action(&lab, ACTION_FORWARD);
	ck_to(&lab, "10.20.1.12:5060");
	ck_assert_uint_eq(lab.d.backend, 1);
	// Some answer from another port or address: the branch is proof enough.
	lab_send(&lab, text, "192.0.2.9:41234", VIP4);
	ck_action(&lab, ACTION_FORWARD);
}
END_TEST

START_TEST(an_answer_to_a_probe_is_an_event)
{
	char token[TOKEN_TEXT_MAX], probe[256];
	unsigned int len = probe_token_format(&lab.snap->keys[0], 4711, token);

	snprintf(probe, sizeof(probe), "Via: SIP/2.0/UDP " VIP ";branch=%.*s\n", (int)len, token);
	respond(probe, "10.20.1.12:5060", VIP4);
	ck_action(&lab, ACTION_PROBE);
	ck_assert_uint_eq(lab.d.probe_id, 4711);
	ck_assert_uint_eq(lab.d.backend, 1);
	respond(probe, "198.51.100.66:5060", VIP4);
	ck_dropped(&lab, DROP_RESPONSE_NOT_FROM_BACKEND);
	probe[60]++;
	respond(probe, "10.20.1.12:5060", VIP4);
	ck_dropped(&lab, DROP_FORGED_BRANCH);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("response");

	// Once: every test runs in a process of its own with a copy.
	tcase_add_unchecked_fixture(tc, setup, teardown);
	tcase_add_test(tc, rfc3261_16_11_ours_is_popped_and_the_next_via_names_the_target);
	tcase_add_test(tc, rfc3261_16_11_ours_is_popped_wherever_it_stands);
	tcase_add_test(tc, rfc3261_7_3_1_vias_on_one_line);
	tcase_add_test(tc, rfc3261_7_3_1_vias_on_one_line_and_another);
	tcase_add_loop_test(
		tc, rfc3261_18_2_2_rfc3581_4_targets, 0, sizeof(targets) / sizeof(targets[0]));
	tcase_add_loop_test(tc, rfc3261_16_11_a_foreign_via_is_dropped_silently, 0,
		sizeof(foreign) / sizeof(foreign[0]));
	tcase_add_test(tc, a_forged_branch_is_dropped);
	tcase_add_test(tc, a_branch_replayed_to_elsewhere_is_dropped);
	tcase_add_loop_test(tc, without_a_next_via_there_is_nowhere_to_go, 0,
		sizeof(nowhere) / sizeof(nowhere[0]));
	tcase_add_test(tc, a_response_from_a_stranger_is_dropped);
	tcase_add_test(tc, a_target_that_nothing_is_sent_to);
	tcase_add_test(tc, a_response_to_a_listener_that_is_gone);
	tcase_add_test(tc, a_removed_backend_still_answers);
	tcase_add_test(tc, rfc3581_4_it_leaves_from_where_the_request_came);
	tcase_add_test(tc, a_response_to_a_backend_returns_to_the_one_that_asked);
	tcase_add_test(tc, an_answer_to_a_probe_is_an_event);
	return run_suite("response", tc);
}

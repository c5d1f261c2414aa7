// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>

#include "dataplane/dispatch/decide.h"
#include "tests/dispatch/lab.h"
#include "tests/dispatch/messages.h"
#include "tests/dispatch/suite.h"

// Dialogs and registrations through us, both ways.

static struct lab lab;
static char text[8192];
static char rr[2][256]; // URIs of our Record-Routes (or Path), topmost first
static char source[ENDPOINT_TEXT_MAX]; // the backend that took the INVITE

static void teardown(void)
{
	lab_fini(&lab);
}

// The URIs in our header fields `name` of what was sent.
static unsigned int take_uris(const char *name)
{
	const char *p = lab.out;
	unsigned int nb = 0;

	while (nb < 2 && (p = strstr(p, name)) != NULL) {
		const char *end;

		p = strchr(p, '<') + 1;
		end = strchr(p, '>');
		snprintf(rr[nb++], sizeof(rr[0]), "%.*s", (int)(end - p), p);
	}
	return nb;
}

// A call from CALLER through the VIP; then rr and source are known.
static void call(void)
{
	lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	take_uris("Record-Route: ");
	endpoint_format(&lab.d.to, source);
}

static void setup(void)
{
	lab_init(&lab, NULL);
	call();
}

static void restart(const struct lab_options *options)
{
	lab_fini(&lab);
	lab_init(&lab, options);
}

// Send a BYE in the dialog with these Route header fields, where %s is rr[0] and rr[1].
static void bye(const char *routes, const char *from, uint16_t listener)
{
	char lines[2048];

	snprintf(lines, sizeof(lines), routes, rr[0], rr[1]);
	snprintf(text, sizeof(text),
		"BYE sip:peer@192.0.2.200:5099 SIP/2.0\n" TOP_VIA "%s" IN_DIALOG("BYE") "\n",
		lines);
	lab_send(&lab, text, from, listener);
}

#define BYE_OUT(routes)                                   \
	"BYE sip:peer@192.0.2.200:5099 SIP/2.0\n" OUR_VIA \
	"Max-Forwards: 70\n" STAMPED_VIA routes IN_DIALOG("BYE") "\n"

static const struct {
	const char *in, *out;
} pops[] = {
	{"Route: <%s>\n", ""},
	{"Route: <%s>, <sip:10.20.1.11;lr>\n", "Route: <sip:10.20.1.11;lr>\n"},
	{"Route: <%s>\nRoute: <sip:10.20.1.11;lr>\n", "Route: <sip:10.20.1.11;lr>\n"},
	{"Route: <%s>,\n <sip:10.20.1.11;lr>,<sip:c;lr>\n",
		"Route: <sip:10.20.1.11;lr>,<sip:c;lr>\n"},
	{"ROUTE:\t\"us\"  <%s>;x=y , <sip:10.20.1.11;lr>\n", "ROUTE:\t<sip:10.20.1.11;lr>\n"},
	// A preloaded outbound proxy in front, and one of ours without a token behind.
	{"Route: <sip:203.0.113.5;lr>, <%s>\nX: y\nRoute: <sip:" VIP ";lr>, <sip:10.20.1.11;lr>\n",
		"X: y\nRoute: <sip:10.20.1.11;lr>\n"},
};

START_TEST(rfc3261_16_4_our_routes_are_popped)
{
	char wanted[2048];

	bye(pops[_i].in, CALLER, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	ck_assert_int_eq(lab.d.rule, RULE_TOKEN);
	ck_assert(lab.d.dialog_pinned);
	ck_to(&lab, source);
	snprintf(wanted, sizeof(wanted),
		"BYE sip:peer@192.0.2.200:5099 SIP/2.0\n" OUR_VIA "Max-Forwards: 70\n" STAMPED_VIA
		"%s" IN_DIALOG("BYE") "\n",
		pops[_i].out);
	ck_out(&lab, wanted);
}
END_TEST

#define PEER "sip:peer@192.0.2.200:5099"
#define MADDR_PEER "sip:peer@192.0.2.200:5060;maddr=203.0.113.5"

// Request-URIs and Routes, where %s is rr[0].
static const struct {
	const char *uri, *routes, *uri_out, *routes_out;
} routings[] = {
	{PEER, "Route: <%s>\n", PEER, ""},
	{PEER, "Route: <%s>, <sip:10.20.1.11;lr>\n", PEER, "Route: <sip:10.20.1.11;lr>\n"},
	// Two of ours, with something else between them.
	{PEER, "Route: <%1$s>\nX: y\nRoute: <%1$s>\n", PEER, "X: y\n"},
	{PEER, "Route: <%1$s>\nX: y\nRoute: <%1$s>, <sip:10.20.1.11;lr>\n", PEER,
		"X: y\nRoute: <sip:10.20.1.11;lr>\n"},
	// A maddr that names us.
	{MADDR_PEER, "", "sip:peer@192.0.2.200", ""},
	{MADDR_PEER, "Route: <%s>\n", "sip:peer@192.0.2.200", ""},
	// A strict router before us.
	{"%s", "Route: <" PEER ">\n", PEER, ""},
	{"%s", "Route: <sip:10.20.1.11;lr>, <" PEER ">\n", PEER, "Route: <sip:10.20.1.11;lr>\n"},
	// A strict router behind us.
	{PEER, "Route: <%s>, <sip:strict@10.20.1.11>\n", "sip:strict@10.20.1.11",
		"Route: <" PEER ">\n"},
	{PEER, "Route: <%s>, <sip:strict@10.20.1.11>\nRoute: <sip:c;lr>\n", "sip:strict@10.20.1.11",
		"Route: <sip:c;lr>\nRoute: <" PEER ">\n"},
};

// Via, Max-Forwards, if there is one, and Route may stand in any order.
START_TEST(rfc3261_7_3_1_the_order_of_header_fields_does_not_matter)
{
	static const char *const orders[] = {"%1$s%2$s%3$s", "%1$s%3$s%2$s", "%2$s%1$s%3$s",
		"%2$s%3$s%1$s", "%3$s%1$s%2$s", "%3$s%2$s%1$s"};
	char uri[512], routes[1024], lines[2048], wanted[4096];

	snprintf(uri, sizeof(uri), routings[_i].uri, rr[0]);
	snprintf(routes, sizeof(routes), routings[_i].routes, rr[0]);
	for (unsigned int i = 0; i < 2 * sizeof(orders) / sizeof(orders[0]); i++) {
		const char *order = orders[i / 2];
		bool has = i % 2;

		snprintf(lines, sizeof(lines), order, TOP_VIA, has ? "Max-Forwards: 70\n" : "",
			routes);
		snprintf(
			text, sizeof(text), "BYE %s SIP/2.0\n%s" IN_DIALOG("BYE") "\n", uri, lines);
		lab_send(&lab, text, CALLER, VIP4);
		ck_action(&lab, ACTION_FORWARD);
		snprintf(lines, sizeof(lines), order, STAMPED_VIA, has ? "Max-Forwards: 69\n" : "",
			routings[_i].routes_out);
		snprintf(wanted, sizeof(wanted),
			"BYE %s SIP/2.0\n" OUR_VIA "%s%s" IN_DIALOG("BYE") "\n",
			routings[_i].uri_out, has ? "" : "Max-Forwards: 70\n", lines);
		ck_out(&lab, wanted);
	}
}
END_TEST

// However far it is behind the Via, up to where there is no room to copy all that is before it.
START_TEST(rfc3261_16_4_our_route_may_stand_anywhere)
{
	static char filler[EDIT_TEXT_MAX], wanted[4096];

	memset(filler, 'x', sizeof(filler));
	for (int len = 1; len < (int)sizeof(filler); len++) {
		snprintf(text, sizeof(text),
			"BYE " PEER " SIP/2.0\n" TOP_VIA
			"Max-Forwards: 70\nX: %.*s\nRoute: <%s>\n" IN_DIALOG("BYE") "\n",
			len, filler, rr[0]);
		snprintf(wanted, sizeof(wanted),
			"BYE " PEER " SIP/2.0\n" OUR_VIA STAMPED_VIA
			"Max-Forwards: 69\nX: %.*s\n" IN_DIALOG("BYE") "\n",
			len, filler);
		lab_send(&lab, text, CALLER, VIP4);
		ck_out(&lab, wanted);
	}
	ck_to(&lab, source);
}
END_TEST

START_TEST(a_backend_reaches_the_client_by_its_flow)
{
	restart(&(struct lab_options){.no_flags = true});
	bye("Route: <%s>\n", source, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	ck_assert_int_eq(lab.d.rule, RULE_TOKEN);
	// Not to the Request-URI, which is private: to where the caller's packets came from.
	ck_to(&lab, CALLER);
	ck_assert_uint_eq(lab.d.from, VIP4);
}
END_TEST

START_TEST(any_backend_of_the_service_may_take_a_dialog_over)
{
	const char *another =
		strcmp(source, "10.20.1.11:5060") == 0 ? "10.20.1.12:5060" : "10.20.1.11:5060";

	bye("Route: <%s>\n", another, VIP4);
	ck_to(&lab, CALLER);
}
END_TEST

START_TEST(a_forged_token_is_as_good_as_none)
{
	rr[0][30] ^= 1;
	bye("Route: <%s>\n", CALLER, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	ck_assert_uint_eq(lab.d.token, TOKEN_FORGED);
	ck_assert_int_eq(lab.d.rule, RULE_TABLE);
	// It named us, so it is popped all the same.
	ck_assert_ptr_null(strstr(lab.out, "Route: <sip:r"));
}
END_TEST

START_TEST(a_token_of_another_call_is_as_good_as_none)
{
	snprintf(text, sizeof(text),
		"BYE sip:peer@192.0.2.200:5099 SIP/2.0\n" TOP_VIA
		"Route: <%s>\nTo: <sip:b@x>;tag=1\nFrom: <sip:a@x>;tag=2\nCall-ID: other\n"
		"CSeq: 1 BYE\n\n",
		rr[0]);
	lab_send(&lab, text, CALLER, VIP4);
	ck_assert_uint_eq(lab.d.token, TOKEN_FORGED);
	ck_assert_int_ne(lab.d.rule, RULE_TOKEN);
}
END_TEST

START_TEST(a_dialog_outlives_its_backend)
{
	uint16_t backend = lab.d.backend;

	lab.bits.pinned[0] &= ~(UINT64_C(1) << backend);
	lab.bits.fresh[0] &= ~(UINT64_C(1) << backend);
	bye("Route: <%s>\n", CALLER, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	ck_assert_int_eq(lab.d.rule, RULE_TABLE);
	ck_assert_uint_ne(lab.d.backend, backend);
}
END_TEST

START_TEST(drain_lets_a_dialog_pass_and_nothing_new)
{
	uint16_t backend = lab.d.backend;

	lab.bits.fresh[0] &= ~(UINT64_C(1) << backend);
	bye("Route: <%s>\n", CALLER, VIP4);
	ck_assert_uint_eq(lab.d.backend, backend);
	lab.ctx.txns = NULL;
	lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
	ck_assert_uint_ne(lab.d.backend, backend);
}
END_TEST

START_TEST(rfc3261_16_4_a_strict_router_before_us)
{
	snprintf(text, sizeof(text),
		"BYE %s SIP/2.0\n" TOP_VIA
		"Route: <sip:10.20.1.11;lr>, <sip:peer@192.0.2.200:5099>\n" IN_DIALOG("BYE") "\n",
		rr[0]);
	lab_send(&lab, text, CALLER, VIP4);
	ck_to(&lab, source);
	ck_assert_int_eq(lab.d.rule, RULE_TOKEN);
	ck_out(&lab, BYE_OUT("Route: <sip:10.20.1.11;lr>\n"));

	snprintf(text, sizeof(text),
		"BYE %s SIP/2.0\n" TOP_VIA
		"Route: <sip:peer@192.0.2.200:5099>\n" IN_DIALOG("BYE") "\n",
		rr[0]);
	lab_send(&lab, text, CALLER, VIP4);
	ck_to(&lab, source);
	ck_out(&lab, BYE_OUT(""));

	snprintf(text, sizeof(text),
		"BYE %s SIP/2.0\n" TOP_VIA "Route: <sip:" VIP
		";lr>, <sip:peer@192.0.2.200:5099>\n" IN_DIALOG("BYE") "\n",
		rr[0]);
	lab_send(&lab, text, CALLER, VIP4);
	ck_out(&lab, BYE_OUT(""));
}
END_TEST

START_TEST(rfc3261_16_6_6_a_strict_router_behind_us)
{
	bye("Route: <%s>, <sip:strict@10.20.1.11>\nRoute: <sip:c;lr>\n", CALLER, VIP4);
	ck_to(&lab, source);
	ck_out(&lab,
		"BYE sip:strict@10.20.1.11 SIP/2.0\n" OUR_VIA "Max-Forwards: 70\n" STAMPED_VIA
		"Route: <sip:c;lr>\nRoute: <sip:peer@192.0.2.200:5099>\n" IN_DIALOG("BYE") "\n");
	bye("Route: <%s>, <sip:strict@10.20.1.11>\n", CALLER, VIP4);
	ck_out(&lab,
		"BYE sip:strict@10.20.1.11 SIP/2.0\n" OUR_VIA "Max-Forwards: 70\n" STAMPED_VIA
		"Route: <sip:peer@192.0.2.200:5099>\n" IN_DIALOG("BYE") "\n");
}
END_TEST

// What a stranger preloads is for our backends to judge: not for us to turn round.
START_TEST(a_strict_router_that_a_stranger_names_stays_where_it_is)
{
	lab_send(&lab,
		"MESSAGE sip:bob@example.com SIP/2.0\n" TOP_VIA
		"Route: <sip:strict@192.0.2.9>\n" IDENTITY("MESSAGE") "\n",
		CALLER, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	ck_out(&lab,
		"MESSAGE sip:bob@example.com SIP/2.0\n" OUR_VIA "Max-Forwards: 70\n" STAMPED_VIA
		"Route: <sip:strict@192.0.2.9>\n" IDENTITY("MESSAGE") "\n");
}
END_TEST

// A URI that is longer than what we put into a message is answered; an ACK cannot be.
START_TEST(rfc3261_21_4_12_a_uri_that_is_too_long_to_be_moved)
{
	static const unsigned int lengths[] = {500, 1100, 1400};
	char user[2000], uri[2048];

	for (unsigned int i = 0; i < 3; i++) {
		memset(user, 'u', lengths[i]);
		user[lengths[i]] = '\0';
		snprintf(uri, sizeof(uri), "sip:%s@192.0.2.200", user);
		snprintf(text, sizeof(text),
			"BYE %s SIP/2.0\n" TOP_VIA "Route: <%s>\n" IN_DIALOG("BYE") "\n", rr[0],
			uri);
		lab_send(&lab, text, CALLER, VIP4);
		if (i < 2) {
			ck_action(&lab, ACTION_FORWARD);
			ck_assert_int_eq(strncmp(lab.out + 4, uri, strlen(uri)), 0);
			continue;
		}
		ck_action(&lab, ACTION_REPLY);
		ck_assert_uint_eq(lab.d.reply_status, 414);
		ck_assert_ptr_nonnull(strstr(lab.out, "SIP/2.0 414 Request-URI Too Long\r\n"));
	}
	snprintf(text, sizeof(text),
		"ACK %s SIP/2.0\n" TOP_VIA "Route: <%s>\n" IN_DIALOG("ACK") "\n", rr[0], uri);
	lab_send(&lab, text, CALLER, VIP4);
	ck_dropped(&lab, DROP_ACK_UNANSWERABLE);
}
END_TEST

// As many changes as one message can need: our Routes each in a header field of its own, a strict
// router behind them, and everything that a Via may ask for.
START_TEST(rfc3261_16_4_eight_routes_of_ours_far_apart)
{
	char lines[4096] = "";

	for (unsigned int i = 0; i < 8; i++)
		snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines),
			"Route: <%s>\nX-%u: y\n", i % 2 ? "sip:203.0.113.5;lr" : rr[0], i);
	snprintf(text, sizeof(text),
		"BYE sip:peer@192.0.2.200:5060;maddr=203.0.113.5 SIP/2.0\n"
		"Via: SIP/2.0/UDP 192.168.1.2:5062;received=1.2.3.4;branch=z9hG4bK776asdhds;rport\n"
		"%sRoute: <sip:strict@10.20.1.11>\nMax-Forwards: 70\n" IN_DIALOG("BYE") "\n",
		lines);
	lab_send(&lab, text, CALLER, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	ck_out(&lab,
		"BYE sip:strict@10.20.1.11 SIP/2.0\n" OUR_VIA
		"Via: SIP/2.0/UDP 192.168.1.2:5062;received=198.51.100.10;"
		"branch=z9hG4bK776asdhds;rport=5062\n"
		"X-0: y\nX-1: y\nX-2: y\nX-3: y\nX-4: y\nX-5: y\nX-6: y\nX-7: y\n"
		"Route: <sip:peer@192.0.2.200>\nMax-Forwards: 69\n" IN_DIALOG("BYE") "\n");
}
END_TEST

// A request that has arrived by its maddr goes on without it, and what does not mean us stays.
static const struct {
	const char *in, *out;
	uint16_t listener;
} maddrs[] = {
	{"sip:bob@example.com;maddr=203.0.113.5", "sip:bob@example.com", VIP4},
	{"sip:bob@example.com:5060;transport=UDP;maddr=203.0.113.5",
		"sip:bob@example.com;transport=UDP", VIP4},
	{"sip:bob@example.com;user=phone;MADDR=203.0.113.5;x=y",
		"sip:bob@example.com;user=phone;x=y", VIP4},
	{"sip:[2001:db8::9]:5060;maddr=[2001:db8:5::5]", "sip:[2001:db8::9]", VIP6},
	// Another address of ours.
	{"sip:bob@example.com;maddr=203.0.113.6", "sip:bob@example.com", VIP4},
	// Another port, another transport, another host, something that only looks like it.
	{"sip:bob@example.com:5070;maddr=203.0.113.5", NULL, VIP4},
	{"sip:bob@example.com:5080;maddr=203.0.113.5", NULL, VIP4},
	{"sip:bob@example.com:5080;maddr=203.0.113.5", "sip:bob@example.com", OTHER_PORT},
	{"sip:bob@example.com;maddr=203.0.113.5;transport=tcp", NULL, VIP4},
	{"sips:bob@example.com;maddr=203.0.113.5", NULL, VIP4},
	{"sip:bob@example.com;maddr=192.0.2.1", NULL, VIP4},
	{"sip:bob@example.com;maddr=us.example.com", NULL, VIP4},
	{"sip:bob@example.com;ma;maddrx=203.0.113.5;max=1", NULL, VIP4},
	{"tel:+1234;maddr=203.0.113.5", NULL, VIP4},
};

START_TEST(rfc3261_16_4_a_maddr_that_names_us_is_stripped)
{
	const char *caller = maddrs[_i].listener == VIP6 ? "[2001:db8:1::10]:5062" : CALLER;
	char wanted[256];

	snprintf(text, sizeof(text), "MESSAGE %s SIP/2.0\n" TOP_VIA IDENTITY("MESSAGE") "\n",
		maddrs[_i].in);
	lab_send(&lab, text, caller, maddrs[_i].listener);
	ck_action(&lab, ACTION_FORWARD);
	ck_assert_uint_ne(lab.d.backend, SNAPSHOT_NONE);
	snprintf(wanted, sizeof(wanted), "MESSAGE %s SIP/2.0\r\n",
		maddrs[_i].out != NULL ? maddrs[_i].out : maddrs[_i].in);
	ck_assert_msg(strncmp(lab.out, wanted, strlen(wanted)) == 0, "%s", lab.out);
}
END_TEST

START_TEST(rfc3261_16_4_a_backend_that_names_us_by_maddr_means_the_host)
{
	lab_send(&lab,
		"MESSAGE sip:peer@192.0.2.200:5060;maddr=203.0.113.5 SIP/2.0\n" TOP_VIA IDENTITY(
			"MESSAGE") "\n",
		source, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	ck_to(&lab, "192.0.2.200:5060");
	ck_assert_int_eq(strncmp(lab.out, "MESSAGE sip:peer@192.0.2.200 SIP", 32), 0);
	// Before us a strict router: the URI that it put at the end of Route has arrived as well.
	snprintf(text, sizeof(text),
		"BYE %s SIP/2.0\n" TOP_VIA
		"Route: <sip:peer@192.0.2.200;maddr=203.0.113.5>\n" IN_DIALOG("BYE") "\n",
		rr[0]);
	lab_send(&lab, text, CALLER, VIP4);
	ck_assert_int_eq(strncmp(lab.out, "BYE sip:peer@192.0.2.200 SIP", 28), 0);
}
END_TEST

START_TEST(two_record_routes_where_the_sides_differ)
{
	restart(&(struct lab_options){.two_sided = true});
	lab_send(&lab, REQUEST("INVITE"), CALLER, VIP4);
	ck_assert_uint_eq(lab.d.from, INSIDE);
	ck_out(&lab,
		START("INVITE") "Via: SIP/2.0/UDP 10.20.1.5:5060;branch=z9hG4bK*\n"
				"Record-Route: <sip:*@10.20.1.5:5060;lr>\n"
				"Record-Route: <sip:*@203.0.113.5:5060;lr>\n" STAMPED_VIA
				"Max-Forwards: 69\n" IDENTITY("INVITE") "Content-Length: 0\n\n");
	ck_assert_uint_eq(take_uris("Record-Route: "), 2);
	// The caller's route set is in reverse order; both are ours.
	bye("Route: <%2$s>, <%1$s>, <sip:10.20.1.11;lr>\n", CALLER, VIP4);
	ck_out(&lab,
		"BYE sip:peer@192.0.2.200:5099 SIP/2.0\n"
		"Via: SIP/2.0/UDP 10.20.1.5:5060;branch=z9hG4bK*\n"
		"Max-Forwards: 70\n" STAMPED_VIA
		"Route: <sip:10.20.1.11;lr>\n" IN_DIALOG("BYE") "\n");
	bye("Route: <%1$s>\nRoute: <%2$s>\n", source, INSIDE);
	ck_to(&lab, CALLER);
	ck_assert_uint_eq(lab.d.from, VIP4);
	ck_assert_ptr_null(strstr(lab.out, "Route:"));
}
END_TEST

START_TEST(an_ipv4_client_of_ipv6_backends)
{
	lab_send(&lab, REQUEST("INVITE"), CALLER, CORE4);
	ck_assert_uint_eq(lab.d.from, CORE6);
	ck_assert_uint_eq(lab.d.to.ip.family, 6);
	endpoint_format(&lab.d.to, source);
	ck_assert_uint_eq(take_uris("Record-Route: "), 2);
	ck_assert_ptr_nonnull(strstr(rr[0], "@[2001:db8:20::5]:5060;lr"));
	ck_assert_ptr_nonnull(strstr(rr[1], "@203.0.113.6:5060;lr"));
	bye("Route: <%2$s>, <%1$s>\n", CALLER, CORE4);
	ck_to(&lab, source);
	bye("Route: <%1$s>, <%2$s>\n", source, CORE6);
	ck_to(&lab, CALLER);
	ck_assert_uint_eq(lab.d.from, CORE4);
}
END_TEST

START_TEST(an_ipv6_client_of_ipv4_backends)
{
	lab_send(&lab, REQUEST("INVITE"), "[2001:db8:1::10]:5062", VIP6);
	ck_assert_uint_eq(lab.d.from, VIP4);
	endpoint_format(&lab.d.to, source);
	ck_assert_uint_eq(take_uris("Record-Route: "), 2);
	bye("Route: <%2$s>, <%1$s>\n", "[2001:db8:1::10]:5062", VIP6);
	ck_to(&lab, source);
	bye("Route: <%1$s>, <%2$s>\n", source, VIP4);
	ck_to(&lab, "[2001:db8:1::10]:5062");
	ck_assert_uint_eq(lab.d.from, VIP6);
}
END_TEST

// The client's address changed: in-dialog requests of the backend follow the Record-Route of the
// dialog, those of the client still reach their backend.
START_TEST(a_client_that_moved_still_reaches_its_backend)
{
	bye("Route: <%s>\n", "192.0.2.55:1234", VIP4);
	ck_to(&lab, source);
}
END_TEST

// A backend that calls through the VIP is a client of the one it is balanced to.
// A call of a backend to our address, until one has come to the backend that is wanted (or to
// another one than itself), then a BYE of it from either side.
static void backend_calls(const char *caller, const char *wanted)
{
	char callee[ENDPOINT_TEXT_MAX];

	for (int i = 0;; i++) {
		snprintf(text, sizeof(text),
			"INVITE sip:bob@" VIP " SIP/2.0\n" TOP_VIA
			"To: <sip:b@x>\nFrom: <sip:a@x>;tag=2\nCall-ID: %d\nCSeq: 1 INVITE\n\n",
			i);
		lab_send(&lab, text, caller, VIP4);
		ck_action(&lab, ACTION_FORWARD);
		ck_assert_int_eq(lab.d.rule, RULE_TABLE);
		endpoint_format(&lab.d.to, callee);
		if (wanted != NULL ? strcmp(callee, wanted) != 0 : strcmp(callee, caller) == 0)
			continue;
		take_uris("Record-Route: ");
		snprintf(text, sizeof(text),
			"BYE sip:x@y SIP/2.0\n" TOP_VIA
			"Route: <%s>\nTo: <sip:b@x>;tag=1\nFrom: <sip:a@x>;tag=2\nCall-ID: %d\n"
			"CSeq: 2 BYE\n\n",
			rr[0], i);
		break;
	}
	lab_send(&lab, text, caller, VIP4);
	ck_to(&lab, callee);
	lab_send(&lab, text, callee, VIP4);
	ck_to(&lab, caller);
}

START_TEST(a_backend_that_calls_through_us)
{
	backend_calls("10.20.1.11:5060", NULL);
}
END_TEST

// From another socket of its host: the port tells the two sides apart.
START_TEST(a_backend_that_calls_itself_through_us)
{
	backend_calls("10.20.1.11:40000", "10.20.1.11:5060");
}
END_TEST

#define OUTBOUND(uri, more)                                                                  \
	"INVITE " uri " SIP/2.0\nVia: SIP/2.0/UDP 10.20.1.11:5060;branch=z9hG4bKback\n" more \
	"To: <sip:b@x>\nFrom: <sip:a@x>;tag=2\nCall-ID: out\nCSeq: 1 INVITE\n\n"
#define BACKEND "10.20.1.11:5060"

START_TEST(rule_b_a_backend_calls_out)
{
	lab_send(&lab, OUTBOUND("sip:bob@192.0.2.9:5070;transport=udp", ""), BACKEND, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	ck_assert_int_eq(lab.d.rule, RULE_OUTBOUND);
	ck_to(&lab, "192.0.2.9:5070");
	ck_assert_uint_eq(lab.d.from, VIP4);
	ck_assert_uint_eq(lab.d.backend, 0);
	// The callee's requests come back by our Record-Route to this backend.
	take_uris("Record-Route: ");
	snprintf(text, sizeof(text),
		"BYE sip:a@10.20.1.11 SIP/2.0\n" TOP_VIA
		"Route: <%s>\nTo: <sip:a@x>;tag=2\nFrom: <sip:b@x>;tag=3\nCall-ID: out\n"
		"CSeq: 1 BYE\n\n",
		rr[0]);
	lab_send(&lab, text, "192.0.2.9:5070", VIP4);
	ck_to(&lab, BACKEND);
	lab_send(&lab, text, BACKEND, VIP4);
	ck_to(&lab, "192.0.2.9:5070");
}
END_TEST

static const struct {
	const char *text, *to;
	int action, detail;
} outbound[] = {
	{OUTBOUND("sip:bob@example.com", "Route: <sip:192.0.2.10;lr>\n"), "192.0.2.10:5060",
		ACTION_FORWARD, RULE_OUTBOUND},
	{OUTBOUND("sip:bob@example.com", "Route: <sip:" VIP ";lr>, <sip:192.0.2.10:5080;lr>\n"),
		"192.0.2.10:5080", ACTION_FORWARD, RULE_OUTBOUND},
	{OUTBOUND("sip:bob@example.com;maddr=192.0.2.11", ""), "192.0.2.11:5060", ACTION_FORWARD,
		RULE_OUTBOUND},
	{OUTBOUND("sip:bob@[2001:db8::9]", ""), "[2001:db8::9]:5060", ACTION_FORWARD,
		RULE_OUTBOUND},
	{OUTBOUND("sip:bob@example.com:5099", ""), NULL, ACTION_RESOLVE, 0},
	{OUTBOUND("sip:bob@224.0.1.75", ""), NULL, ACTION_DROP, DROP_BAD_TARGET},
	{OUTBOUND("sip:bob@127.0.0.1", ""), NULL, ACTION_DROP, DROP_BAD_TARGET},
	{OUTBOUND("sip:bob@255.255.255.255", ""), NULL, ACTION_DROP, DROP_BAD_TARGET},
	{OUTBOUND("sip:bob@192.0.2.9;transport=tcp", ""), NULL, ACTION_REPLY, 500},
	{OUTBOUND("sips:bob@192.0.2.9", ""), NULL, ACTION_REPLY, 500},
	{OUTBOUND("tel:+1555", ""), NULL, ACTION_REPLY, 416},
};

START_TEST(rule_b_next_hops)
{
	lab_send(&lab, outbound[_i].text, BACKEND, VIP4);
	ck_action(&lab, outbound[_i].action);
	if (outbound[_i].to != NULL)
		ck_to(&lab, outbound[_i].to);
	switch (outbound[_i].action) {
	case ACTION_FORWARD:
		ck_assert_int_eq(lab.d.rule, outbound[_i].detail);
		break;
	case ACTION_REPLY:
		ck_assert_int_eq(lab.d.reply_status, outbound[_i].detail);
		ck_to(&lab, BACKEND);
		break;
	case ACTION_DROP:
		ck_assert_int_eq(lab.d.drop, outbound[_i].detail);
		break;
	default:
		ck_assert_uint_eq(lab.d.resolve_port, 5099);
		ck_assert_mem_eq(lab.msg.buf + lab.d.resolve_host.off, "example.com", 11);
		ck_assert_uint_eq(lab.d.resolve_host.len, 11);
	}
}
END_TEST

START_TEST(rule_b_a_name_that_has_been_resolved)
{
	struct endpoint found = lab_endpoint("192.0.2.44:5061");

	lab.in.resolved = &found;
	lab_send(&lab, OUTBOUND("sip:bob@example.com", ""), BACKEND, VIP4);
	ck_action(&lab, ACTION_FORWARD);
	ck_to(&lab, "192.0.2.44:5061");
	found = lab_endpoint("127.0.0.1:5061");
	lab_send(&lab, OUTBOUND("sip:bob@example.com", ""), BACKEND, VIP4);
	ck_dropped(&lab, DROP_BAD_TARGET);
	// Nowhere.
	found = (struct endpoint){0};
	lab_send(&lab, OUTBOUND("sip:bob@example.com", ""), BACKEND, VIP4);
	ck_action(&lab, ACTION_REPLY);
	ck_assert_uint_eq(lab.d.reply_status, 500);
}
END_TEST

#define REGISTER                                                                           \
	"REGISTER sip:example.com SIP/2.0\n" TOP_VIA                                       \
	"To: <sip:alice@example.com>\nFrom: <sip:alice@example.com>;tag=9\nCall-ID: reg\n" \
	"CSeq: 1 REGISTER\nContact: <sip:alice@192.168.1.2:5062>\nSupported: path, outbound\n\n"

static void register_client(void)
{
	lab_send(&lab, REGISTER, CALLER, VIP4);
	ck_assert_uint_eq(take_uris("Path: "), 1);
}

static void call_registered(const char *from)
{
	snprintf(text, sizeof(text),
		"INVITE sip:alice@192.168.1.2:5062 SIP/2.0\n" TOP_VIA
		"Route: <%s>\nTo: <sip:alice@example.com>\nFrom: <sip:b@x>;tag=2\nCall-ID: in\n"
		"CSeq: 1 INVITE\n\n",
		rr[0]);
	lab_send(&lab, text, from, VIP4);
}

START_TEST(rfc5626_5_3_a_registered_client_is_reached_by_its_path)
{
	register_client();
	call_registered("10.20.1.13:5060");
	ck_action(&lab, ACTION_FORWARD);
	ck_assert_int_eq(lab.d.rule, RULE_TOKEN);
	ck_to(&lab, CALLER);
	ck_out(&lab,
		"INVITE sip:alice@192.168.1.2:5062 SIP/2.0\n" OUR_VIA OUR_RECORD_ROUTE
		"Max-Forwards: 70\n"
		"Via: SIP/2.0/UDP "
		"192.168.1.2:5062;branch=z9hG4bK776asdhds;rport=5060;received=10.20.1.13\n"
		"To: <sip:alice@example.com>\nFrom: <sip:b@x>;tag=2\nCall-ID: in\nCSeq: 1 "
		"INVITE\n\n");
}
END_TEST

START_TEST(a_path_is_for_backends_only)
{
	register_client();
	call_registered("198.51.100.66:5060");
	ck_action(&lab, ACTION_FORWARD);
	ck_assert_uint_eq(lab.d.token, TOKEN_FORGED);
	ck_assert_int_eq(lab.d.rule, RULE_TABLE);
}
END_TEST

START_TEST(rfc5626_5_3_1_a_flow_that_we_refuse)
{
	register_client();
	restart(&(struct lab_options){.deny_caller = true});
	call_registered(BACKEND);
	ck_action(&lab, ACTION_REPLY);
	ck_assert_uint_eq(lab.d.reply_status, 430);
	// The same of a dialog.
	bye("Route: <%s>\n", source, VIP4);
	ck_action(&lab, ACTION_REPLY);
	ck_assert_uint_eq(lab.d.reply_status, 430);
	ck_to(&lab, source);
}
END_TEST

// After a reload another listener may have the id of one that is gone: 16 bits of a hash.
START_TEST(a_flow_of_another_address_family_than_its_listener)
{
	struct path_token token = {.flow = lab_endpoint(CALLER)};
	char user[TOKEN_TEXT_MAX];
	unsigned int len;

	token.listener_id = snapshot_listener(lab.snap, VIP6)->id;
	len = path_token_format(&lab.snap->keys[0], &token, user);
	snprintf(rr[0], sizeof(rr[0]), "sip:%.*s@203.0.113.5:5060;lr", (int)len, user);
	call_registered(BACKEND);
	ck_action(&lab, ACTION_REPLY);
	ck_assert_uint_eq(lab.d.reply_status, 430);
}
END_TEST

START_TEST(a_backend_of_another_service_is_a_client)
{
	bye("Route: <%s>\n", "[2001:db8:20::11]:5060", VIP6);
	ck_action(&lab, ACTION_FORWARD);
	ck_to(&lab, source);
}
END_TEST

// The dialog passed us twice and no proxy in between stayed on its path.
START_TEST(of_several_tokens_the_last_one_leads)
{
	char first[256];

	snprintf(first, sizeof(first), "%s", rr[0]);
	// The same Call-ID comes back from the backend to another client.
	snprintf(text, sizeof(text),
		"INVITE sip:bob@192.0.2.9:5070 SIP/2.0\n"
		"Via: SIP/2.0/UDP 10.20.1.11:5060;branch=z9hG4bKback\n"
		"Record-Route: <%s>\n" IDENTITY("INVITE") "\n",
		first);
	lab_send(&lab, text, source, VIP4);
	ck_to(&lab, "192.0.2.9:5070");
	take_uris("Record-Route: ");
	ck_assert_str_eq(rr[1], first);
	// The caller's route set is the older one first.
	bye("Route: <%2$s>, <%1$s>\n", CALLER, VIP4);
	ck_to(&lab, source);
	bye("Route: <%s>, <%s>\n", source, VIP4);
	ck_to(&lab, CALLER);
	// Written in a way that takes the longer path through our code.
	bye("Route: \"one\" <%2$s>, \"two\" <%1$s>\n", CALLER, VIP4);
	ck_to(&lab, source);
	bye("Route: \"one\" <%s>, \"two\" <%s>\n", source, VIP4);
	ck_to(&lab, CALLER);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("route");

	// Once: every test runs in a process of its own with a copy.
	tcase_add_unchecked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
		tc, rfc3261_16_4_our_routes_are_popped, 0, sizeof(pops) / sizeof(pops[0]));
	tcase_add_loop_test(tc, rfc3261_7_3_1_the_order_of_header_fields_does_not_matter, 0,
		sizeof(routings) / sizeof(routings[0]));
	tcase_add_test(tc, rfc3261_16_4_our_route_may_stand_anywhere);
	tcase_add_test(tc, a_backend_reaches_the_client_by_its_flow);
	tcase_add_test(tc, any_backend_of_the_service_may_take_a_dialog_over);
	tcase_add_test(tc, a_forged_token_is_as_good_as_none);
	tcase_add_test(tc, a_token_of_another_call_is_as_good_as_none);
	tcase_add_test(tc, a_dialog_outlives_its_backend);
	tcase_add_test(tc, drain_lets_a_dialog_pass_and_nothing_new);
	tcase_add_test(tc, rfc3261_16_4_a_strict_router_before_us);
	tcase_add_test(tc, rfc3261_16_6_6_a_strict_router_behind_us);
	tcase_add_test(tc, a_strict_router_that_a_stranger_names_stays_where_it_is);
	tcase_add_test(tc, rfc3261_21_4_12_a_uri_that_is_too_long_to_be_moved);
	tcase_add_test(tc, rfc3261_16_4_eight_routes_of_ours_far_apart);
	tcase_add_loop_test(tc, rfc3261_16_4_a_maddr_that_names_us_is_stripped, 0,
		sizeof(maddrs) / sizeof(maddrs[0]));
	tcase_add_test(tc, rfc3261_16_4_a_backend_that_names_us_by_maddr_means_the_host);
	tcase_add_test(tc, two_record_routes_where_the_sides_differ);
	tcase_add_test(tc, an_ipv4_client_of_ipv6_backends);
	tcase_add_test(tc, an_ipv6_client_of_ipv4_backends);
	tcase_add_test(tc, a_client_that_moved_still_reaches_its_backend);
	tcase_add_test(tc, a_backend_that_calls_through_us);
	tcase_add_test(tc, a_backend_that_calls_itself_through_us);
	tcase_add_test(tc, rule_b_a_backend_calls_out);
	tcase_add_loop_test(tc, rule_b_next_hops, 0, sizeof(outbound) / sizeof(outbound[0]));
	tcase_add_test(tc, rule_b_a_name_that_has_been_resolved);
	tcase_add_test(tc, rfc5626_5_3_a_registered_client_is_reached_by_its_path);
	tcase_add_test(tc, a_path_is_for_backends_only);
	tcase_add_test(tc, rfc5626_5_3_1_a_flow_that_we_refuse);
	tcase_add_test(tc, a_flow_of_another_address_family_than_its_listener);
	tcase_add_test(tc, a_backend_of_another_service_is_a_client);
	tcase_add_test(tc, of_several_tokens_the_last_one_leads);
	return run_suite("route", tc);
}

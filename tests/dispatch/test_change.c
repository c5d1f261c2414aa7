// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>

#include "dataplane/dispatch/decide.h"
#include "dataplane/dispatch/txn_cache.h"
#include "tests/dispatch/lab.h"
#include "tests/dispatch/messages.h"
#include "tests/dispatch/suite.h"

// What belongs together stays together while tables, backends and keys change (RFC 3261 16.11).

#define UNTIL 1100000
#define T0 UINT64_C(1000000)
#define WINDOW 32000
#define CALLS 60

static struct lab before, after;
static char text[4096];

static void request(const char *method, int call, const char *to_tag)
{
	snprintf(text, sizeof(text),
		"%s sip:bob@example.com SIP/2.0\n"
		"Via: SIP/2.0/UDP 192.168.1.2:5062;branch=z9hG4bK-%d;rport\n"
		"Max-Forwards: 70\nTo: <sip:bob@example.com>%s\nFrom: <sip:a@x>;tag=1\n"
		"Call-ID: call-%d\nCSeq: 1 %s\n\n",
		method, call, to_tag, call, method);
}

static void send_to(struct lab *lab, const char *method, int call)
{
	request(method, call, strcmp(method, "ACK") == 0 ? ";tag=2" : "");
	lab_send(lab, text, CALLER, VIP4);
	ck_action(lab, ACTION_FORWARD);
}

static uint32_t backend_of(const struct lab *lab)
{
	return snapshot_backend(lab->snap, lab->d.backend)->id;
}

// A packet after the change, on the same node: with the transaction cache of before.
static void carry_cache_over(void)
{
	after.ctx.txns = before.ctx.txns;
	after.ctx.now_ms = before.ctx.now_ms + 100;
}

static void branch_of(const struct lab *lab, char out[64])
{
	const char *start = strstr(lab->out, ";branch=");

	snprintf(out, 64, "%.*s", (int)strcspn(start, "\r"), start);
}

static void change_table(void)
{
	lab_init(&before, NULL);
	lab_init(&after,
		&(struct lab_options){
			.prev = before.snap, .prev_until_ms = UNTIL, .with_kam4 = true});
}

static void teardown(void)
{
	lab_fini(&before);
	lab_fini(&after);
}

// Of CALLS calls, how many have another backend by the new table.
static int moved(void)
{
	const struct snapshot_service *was = snapshot_service(before.snap, 0);
	const struct snapshot_service *now = snapshot_service(after.snap, 0);
	int nb = 0;

	for (int i = 0; i < CALLS; i++) {
		char call_id[32];
		uint64_t digest;

		snprintf(call_id, sizeof(call_id), "call-%d", i);
		digest = snapshot_call_digest(before.snap, strv_from(call_id));
		nb += snapshot_backend(
			      before.snap, snapshot_row(before.snap, &was->table, digest)[0])
				->id !=
			snapshot_backend(
				after.snap, snapshot_row(after.snap, &now->table, digest)[0])
				->id;
	}
	return nb;
}

START_TEST(on_the_same_node_everything_follows_its_invite)
{
	static const char *const methods[] = {"INVITE", "CANCEL", "ACK"};

	change_table();
	ck_assert_int_gt(moved(), 5);
	for (int i = 0; i < CALLS; i++)
		send_to(&before, "INVITE", i);
	carry_cache_over();
	for (int i = 0; i < CALLS; i++) {
		char branch[64], wanted[64];
		uint32_t backend;

		send_to(&before, "INVITE", i);
		backend = backend_of(&before);
		branch_of(&before, wanted);
		for (int m = 0; m < 3; m++) {
			send_to(&after, methods[m], i);
			ck_assert_int_eq(after.d.rule, RULE_TXN);
			ck_assert_uint_eq(backend_of(&after), backend);
			branch_of(&after, branch);
			ck_assert_str_eq(branch, wanted);
		}
	}
}
END_TEST

START_TEST(on_another_node_cancel_and_ack_go_by_the_old_table)
{
	static const char *const methods[] = {"CANCEL", "ACK"};

	change_table();
	for (int i = 0; i < CALLS; i++) {
		send_to(&before, "INVITE", i);
		for (int m = 0; m < 2; m++) {
			char branch[64], wanted[64];

			send_to(&after, methods[m], i);
			ck_assert_int_eq(after.d.rule, RULE_PREV_TABLE);
			ck_assert_uint_eq(backend_of(&after), backend_of(&before));
			branch_of(&before, wanted);
			branch_of(&after, branch);
			ck_assert_str_eq(branch, wanted);
		}
	}
}
END_TEST

// Without Record-Route a dialog has no token: its Call-ID leads, by the old table for a while.
START_TEST(on_another_node_a_dialog_without_a_token_goes_by_the_old_table)
{
	change_table();
	for (int i = 0; i < CALLS; i++) {
		send_to(&before, "INVITE", i);
		request("BYE", i, ";tag=2");
		lab_send(&after, text, CALLER, VIP4);
		ck_assert_int_eq(after.d.rule, RULE_PREV_TABLE);
		ck_assert_uint_eq(backend_of(&after), backend_of(&before));
	}
}
END_TEST

START_TEST(new_calls_go_by_the_new_table_at_once)
{
	bool kam4 = false;

	change_table();
	for (int i = 0; i < CALLS; i++) {
		send_to(&after, "INVITE", i);
		ck_assert_int_eq(after.d.rule, RULE_TABLE);
		kam4 |= backend_of(&after) == backend_id("access", "kam4");
	}
	ck_assert(kam4);
}
END_TEST

START_TEST(after_the_window_the_new_table_is_all_there_is)
{
	change_table();
	after.ctx.now_ms = UNTIL;
	send_to(&after, "CANCEL", 1);
	ck_assert_int_eq(after.d.rule, RULE_TABLE);
}
END_TEST

// Two changes: kam4 comes when `middle` is published, kam2 goes with `after`. Packets come to a
// node that has not seen their INVITE, `now_ms` after the first change.
static void change_twice(uint64_t first_ms, uint64_t second_ms, uint64_t now_ms)
{
	struct lab middle;

	lab_init(&before, NULL);
	lab_init(&middle,
		&(struct lab_options){.prev = before.snap,
			.now_ms = first_ms,
			.prev_until_ms = first_ms + WINDOW,
			.with_kam4 = true});
	lab_init(&after,
		&(struct lab_options){.prev = middle.snap,
			.now_ms = second_ms,
			.prev_until_ms = second_ms + WINDOW,
			.with_kam4 = true,
			.without_kam2 = true});
	lab_fini(&middle);
	after.ctx.now_ms = now_ms;
}

// How many of CALLS calls that began before both changes are found again.
static int found_again(void)
{
	int nb = 0;

	for (int i = 0; i < CALLS; i++) {
		send_to(&before, "INVITE", i);
		if (backend_of(&before) == backend_id("access", "kam2"))
			continue;
		send_to(&after, "CANCEL", i);
		ck_assert_int_eq(after.d.rule, RULE_PREV_TABLE);
		nb += backend_of(&after) == backend_of(&before);
	}
	return nb;
}

static int not_at_kam2(void)
{
	int nb = 0;

	for (int i = 0; i < CALLS; i++) {
		send_to(&before, "INVITE", i);
		nb += backend_of(&before) != backend_id("access", "kam2");
	}
	return nb;
}

START_TEST(after_two_changes_at_once_what_began_before_both_goes_on)
{
	change_twice(T0, T0 + 500, T0 + 1000);
	ck_assert_int_eq(found_again(), not_at_kam2());
}
END_TEST

START_TEST(what_was_in_force_the_longest_of_the_window_counts)
{
	// The first table for 4 s of the last 32, the second for 20.
	change_twice(T0, T0 + 20000, T0 + 28000);
	ck_assert_int_lt(found_again(), not_at_kam2());
	lab_fini(&before);
	lab_fini(&after);
	// The first one's window is over: the second is all that is left.
	change_twice(T0, T0 + 20000, T0 + WINDOW);
	ck_assert_int_lt(found_again(), not_at_kam2());
	after.ctx.now_ms = T0 + 20000 + WINDOW;
	send_to(&after, "CANCEL", 1);
	ck_assert_int_eq(after.d.rule, RULE_TABLE);
}
END_TEST

// One change after another: the table of the quiet time before them is not pushed out.
START_TEST(of_many_changes_those_in_force_the_longest_are_kept)
{
	struct lab labs[8];

	lab_init(&before, NULL);
	lab_init(&labs[0], NULL);
	for (unsigned int i = 1; i < 8; i++)
		lab_init(&labs[i],
			&(struct lab_options){.prev = labs[i - 1].snap,
				.now_ms = T0 + 100 * i,
				.prev_until_ms = T0 + 100 * i + WINDOW,
				.with_kam4 = i % 2 != 0});
	after = labs[7];
	after.ctx.now_ms = T0 + 800;
	ck_assert_uint_eq(snapshot_service(after.snap, 0)->prev[0].until_ms, T0 + 100 + WINDOW);
	for (int i = 0; i < CALLS; i++) {
		send_to(&before, "INVITE", i);
		send_to(&after, "CANCEL", i);
		ck_assert_uint_eq(backend_of(&after), backend_of(&before));
	}
	for (unsigned int i = 0; i < 7; i++)
		lab_fini(&labs[i]);
}
END_TEST

START_TEST(a_backend_that_was_removed_is_not_sent_to)
{
	lab_init(&before, NULL);
	lab_init(&after,
		&(struct lab_options){
			.prev = before.snap, .prev_until_ms = UNTIL, .without_kam2 = true});
	for (int i = 0; i < CALLS; i++)
		send_to(&before, "INVITE", i);
	carry_cache_over();
	for (int i = 0; i < CALLS; i++) {
		bool gone;

		send_to(&before, "INVITE", i);
		gone = backend_of(&before) == backend_id("access", "kam2");
		send_to(&after, "CANCEL", i);
		ck_assert_int_eq(after.d.rule, gone ? RULE_PREV_TABLE : RULE_TXN);
		if (!gone)
			ck_assert_uint_eq(backend_of(&after), backend_of(&before));
	}
}
END_TEST

START_TEST(a_cache_hit_on_a_backend_that_is_down_is_a_miss)
{
	uint16_t down;

	lab_init(&before, NULL);
	lab_init(&after, NULL);
	send_to(&before, "INVITE", 1);
	down = before.d.backend;
	before.bits.fresh[0] &= ~(UINT64_C(1) << down);
	before.bits.pinned[0] &= ~(UINT64_C(1) << down);
	send_to(&before, "INVITE", 1);
	ck_assert_uint_ne(before.d.backend, down);
	ck_assert_int_eq(before.d.rule, RULE_TABLE);
}
END_TEST

START_TEST(a_draining_backend_keeps_its_transactions)
{
	uint16_t drained;

	lab_init(&before, NULL);
	lab_init(&after, NULL);
	send_to(&before, "INVITE", 1);
	drained = before.d.backend;
	before.bits.fresh[0] &= ~(UINT64_C(1) << drained);
	send_to(&before, "CANCEL", 1);
	ck_assert_uint_eq(before.d.backend, drained);
	ck_assert(before.d.dialog_pinned);
}
END_TEST

START_TEST(when_no_candidate_is_usable_another_backend_is_found)
{
	lab_init(&before, NULL);
	lab_init(&after, NULL);
	// Only one is left, and the row does not know it: as with many backends and few candidates.
	for (int i = 0; i < CALLS; i++) {
		const struct snapshot_service *v = snapshot_service(before.snap, 0);
		uint16_t *row;
		char call_id[32];

		snprintf(call_id, sizeof(call_id), "call-%d", i);
		row = (uint16_t *)(uintptr_t)snapshot_row(before.snap, &v->table,
			snapshot_call_digest(before.snap, strv_from(call_id)));
		before.bits.fresh[0] = UINT64_C(1) << row[0] | UINT64_C(1) << row[1];
		after.d.backend = row[0];
		row[0] = row[1] = row[2] = row[3] = SNAPSHOT_NONE;
		before.ctx.txns = NULL;
		send_to(&before, "INVITE", i);
		ck_assert_int_eq(before.d.rule, RULE_RESCUE);
		// The best of the usable ones, as the table would have had it.
		ck_assert_uint_eq(before.d.backend, after.d.backend);
	}
}
END_TEST

// keys: 'a' signed before, 'b' signs after.
static void rotate_key(void)
{
	lab_init(&before, &(struct lab_options){.nb_keys = 2});
	lab_init(&after,
		&(struct lab_options){.nb_keys = 2, .primary_key = 1, .prev_key_until_ms = UNTIL});
}

START_TEST(a_key_rotation_in_the_middle_of_a_transaction)
{
	static const char *const methods[] = {"INVITE", "CANCEL", "ACK"};
	char branch[64], wanted[64];

	rotate_key();
	send_to(&before, "INVITE", 1);
	branch_of(&before, wanted);
	carry_cache_over();
	for (int m = 0; m < 3; m++) {
		send_to(&after, methods[m], 1);
		branch_of(&after, branch);
		ck_assert_str_eq(branch, wanted);
	}
	// Long after the window too, while the INVITE is pending.
	after.ctx.now_ms = before.ctx.now_ms + TXN_INVITE_TTL_MS - 1000;
	send_to(&after, "CANCEL", 1);
	branch_of(&after, branch);
	ck_assert_str_eq(branch, wanted);
	// What is new is signed with the new key.
	send_to(&after, "INVITE", 2);
	branch_of(&after, branch);
	ck_assert_int_eq(branch[strlen(";branch=z9hG4bK") + 1], 'b');
}
END_TEST

START_TEST(a_key_rotation_seen_by_another_node)
{
	char branch[64], wanted[64];

	rotate_key();
	send_to(&before, "INVITE", 1);
	branch_of(&before, wanted);
	send_to(&after, "CANCEL", 1);
	branch_of(&after, branch);
	ck_assert_str_eq(branch, wanted);
	after.ctx.now_ms = UNTIL;
	send_to(&after, "CANCEL", 1);
	branch_of(&after, branch);
	ck_assert_str_ne(branch, wanted);
}
END_TEST

START_TEST(responses_under_the_old_key_still_come_back)
{
	char *sent;

	rotate_key();
	send_to(&before, "INVITE", 1);
	sent = strstr(before.out, "Via: ");
	snprintf(text, sizeof(text), "SIP/2.0 200 OK\r\n%s", sent);
	lab_send(&after, text, "10.20.1.11:5060", VIP4);
	ck_action(&after, ACTION_FORWARD);
	ck_to(&after, CALLER);
}
END_TEST

// A dialog through a key rotation and a change of table at once.
START_TEST(a_dialog_goes_on_through_a_rotation)
{
	char uri[256];
	const char *start;

	rotate_key();
	send_to(&before, "INVITE", 1);
	start = strstr(before.out, "<sip:r");
	snprintf(uri, sizeof(uri), "%.*s", (int)strcspn(start, "\r"), start);
	snprintf(text, sizeof(text),
		"BYE sip:b@x SIP/2.0\nVia: SIP/2.0/UDP 192.168.1.2;branch=z9hG4bKbye\nRoute: %s\n"
		"To: <sip:b@x>;tag=2\nFrom: <sip:a@x>;tag=1\nCall-ID: call-1\nCSeq: 2 BYE\n\n",
		uri);
	lab_send(&after, text, CALLER, VIP4);
	ck_assert_int_eq(after.d.rule, RULE_TOKEN);
	ck_assert_uint_eq(backend_of(&after), backend_of(&before));
}
END_TEST

// Between the reloads of two nodes: one signs with the new key already, the other still with the
// old, and both have both. Each takes what the other signed: dialogs, responses and Paths go on.
START_TEST(nodes_that_sign_with_different_keys_understand_each_other)
{
	struct lab *nodes[] = {&before, &after};
	char uri[256], path[256];

	lab_init(&before, &(struct lab_options){.nb_keys = 2});
	lab_init(&after, &(struct lab_options){.nb_keys = 2, .primary_key = 1});
	for (int i = 0; i < 2; i++) {
		struct lab *from = nodes[i], *to = nodes[1 - i];
		const char *start;

		send_to(from, "INVITE", 1);
		ck_assert_ptr_nonnull(
			strstr(from->out, i == 0 ? "branch=z9hG4bKba" : "branch=z9hG4bKbb"));
		snprintf(text, sizeof(text), "SIP/2.0 200 OK\r\n%s", strstr(from->out, "Via: "));
		start = strstr(from->out, "<sip:r");
		snprintf(uri, sizeof(uri), "%.*s", (int)strcspn(start, "\r"), start);
		lab_send(to, text, "10.20.1.11:5060", VIP4);
		ck_action(to, ACTION_FORWARD);
		ck_to(to, CALLER);

		snprintf(text, sizeof(text),
			"BYE sip:b@x SIP/2.0\nVia: SIP/2.0/UDP 192.168.1.2;branch=z9hG4bKbye\n"
			"Route: %s\nTo: <sip:b@x>;tag=2\nFrom: <sip:a@x>;tag=1\nCall-ID: call-1\n"
			"CSeq: 2 BYE\n\n",
			uri);
		lab_send(to, text, CALLER, VIP4);
		ck_assert_int_eq(to->d.rule, RULE_TOKEN);
		ck_assert_uint_eq(to->d.token, TOKEN_OK);
		ck_assert_uint_eq(backend_of(to), backend_of(from));

		lab_send(from, REQUEST_WITH("REGISTER", "Supported: path\n"), CALLER, VIP4);
		start = strstr(from->out, "<sip:p");
		snprintf(path, sizeof(path), "%.*s", (int)strcspn(start, "\r"), start);
		snprintf(text, sizeof(text),
			"INVITE sip:a@x SIP/2.0\nVia: SIP/2.0/UDP 10.20.1.12;branch=z9hG4bKin\n"
			"Route: %s\nTo: <sip:b@x>\nFrom: <sip:a@x>;tag=1\nCall-ID: path\n"
			"CSeq: 1 INVITE\n\n",
			path);
		lab_send(to, text, "10.20.1.12:5060", VIP4);
		ck_action(to, ACTION_FORWARD);
		ck_to(to, CALLER);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("change");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, on_the_same_node_everything_follows_its_invite);
	tcase_add_test(tc, on_another_node_cancel_and_ack_go_by_the_old_table);
	tcase_add_test(tc, on_another_node_a_dialog_without_a_token_goes_by_the_old_table);
	tcase_add_test(tc, new_calls_go_by_the_new_table_at_once);
	tcase_add_test(tc, after_the_window_the_new_table_is_all_there_is);
	tcase_add_test(tc, after_two_changes_at_once_what_began_before_both_goes_on);
	tcase_add_test(tc, what_was_in_force_the_longest_of_the_window_counts);
	tcase_add_test(tc, of_many_changes_those_in_force_the_longest_are_kept);
	tcase_add_test(tc, a_backend_that_was_removed_is_not_sent_to);
	tcase_add_test(tc, a_cache_hit_on_a_backend_that_is_down_is_a_miss);
	tcase_add_test(tc, a_draining_backend_keeps_its_transactions);
	tcase_add_test(tc, when_no_candidate_is_usable_another_backend_is_found);
	tcase_add_test(tc, a_key_rotation_in_the_middle_of_a_transaction);
	tcase_add_test(tc, a_key_rotation_seen_by_another_node);
	tcase_add_test(tc, responses_under_the_old_key_still_come_back);
	tcase_add_test(tc, a_dialog_goes_on_through_a_rotation);
	tcase_add_test(tc, nodes_that_sign_with_different_keys_understand_each_other);
	return run_suite("change", tc);
}

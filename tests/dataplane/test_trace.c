// SPDX-License-Identifier: BSD-3-Clause
#include "tests/dataplane/bed.h"
#include "tests/dataplane/eal.h"

#include <stdlib.h>

// Copies of matching messages for an operator.

static struct bed bed;
static struct bed_packet in, out;

static void setup(void)
{
	bed_init(&bed, NULL);
	bed_publish(&bed, NULL);
}

static void teardown(void)
{
	bed_fini(&bed);
}

static void want(enum ipc_trace_field field, const char *pattern, uint32_t limit)
{
	struct ipc_trace trace = {
		.field = field, .limit = limit, .pattern_len = (uint32_t)strlen(pattern)};

	memcpy(trace.pattern, pattern, trace.pattern_len);
	trace.source = fixture_endpoint(BED_CALLER4).ip;
	trace_set(&bed.dp.trace, &trace);
}

static void call(const char *call_id)
{
	char *invite = bed_invite("198.51.100.10:5062", call_id, 10);

	bed_make(&in, BED_CALLER4, FIXTURE_VIP4, invite, (uint32_t)strlen(invite));
	bed_send(&bed, 0, &in);
	ck_assert(bed_take(&bed, 1, &out));
	free(invite);
}

static const struct ipc_trace_record *next(void)
{
	struct ipc_ring *ring = bed.dp.workers[0].traces;
	static struct ipc_trace_record copy;
	const struct ipc_trace_record *record =
		ipc_ring_peek(ring, IPC_TRACE_SLOTS, IPC_TRACE_SIZE);

	if (record == NULL)
		return NULL;
	memcpy(&copy, record, sizeof(copy));
	ipc_ring_pop(ring);
	return &copy;
}

START_TEST(a_matching_message_is_copied_as_received_and_as_sent)
{
	const struct ipc_trace_record *record;

	want(IPC_TRACE_CALL_ID, "wanted", 10);
	call("other");
	ck_assert_ptr_null(next());
	call("wanted");
	record = next();
	ck_assert_ptr_nonnull(record);
	ck_assert_uint_eq(record->direction, 0);
	ck_assert_uint_eq(record->action, ACTION_FORWARD);
	ck_assert_uint_eq(record->rule, RULE_TABLE);
	ck_assert_uint_eq(record->backend, 0);
	ck_assert_uint_eq(record->message_len, record->copied_len);
	ck_assert_ptr_null(
		memmem(record->octets, record->copied_len, "203.0.113.5:5060;branch", 23));
	record = next();
	ck_assert_ptr_nonnull(record);
	ck_assert_uint_eq(record->direction, 1);
	ck_assert_ptr_nonnull(
		memmem(record->octets, record->copied_len, "203.0.113.5:5060;branch", 23));
	ck_assert_ptr_null(next());
}
END_TEST

START_TEST(patterns_match)
{
	static const struct {
		enum ipc_trace_field field;
		const char *pattern;
		bool match;
	} rows[] = {
		{IPC_TRACE_CALL_ID, "abc123", true},
		{IPC_TRACE_CALL_ID, "abc", false},
		{IPC_TRACE_CALL_ID, "abc*", true},
		{IPC_TRACE_CALL_ID, "*", true},
		{IPC_TRACE_CALL_ID, "abc1234*", false},
		{IPC_TRACE_FROM, "alice@example.com", true},
		{IPC_TRACE_FROM, "alice@*", true},
		{IPC_TRACE_FROM, "bob@example.com", false},
		{IPC_TRACE_SOURCE, "", true},
		{IPC_TRACE_OFF, "", false},
	};

	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		want(rows[i].field, rows[i].pattern, 100);
		call("abc123");
		ck_assert_msg((next() != NULL) == rows[i].match, "row %u", i);
		next();
	}
}
END_TEST

START_TEST(it_stops_by_itself)
{
	unsigned int nb = 0;

	want(IPC_TRACE_SOURCE, "", 5);
	for (unsigned int i = 0; i < 10; i++)
		call("many");
	while (next() != NULL)
		nb++;
	ck_assert_uint_eq(nb, 5);
	ck_assert(!trace_is_on(&bed.dp.workers[0]));
}
END_TEST

START_TEST(a_full_ring_counts)
{
	want(IPC_TRACE_SOURCE, "", 100000);
	for (unsigned int i = 0; i < IPC_TRACE_SLOTS; i++)
		call("many");
	ck_assert_uint_eq(bed.dp.workers[0].counters->traces_lost, IPC_TRACE_SLOTS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trace");
	TCase *tcase = tcase_create("trace");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_matching_message_is_copied_as_received_and_as_sent);
	tcase_add_test(tcase, patterns_match);
	tcase_add_test(tcase, it_stops_by_itself);
	tcase_add_test(tcase, a_full_ring_counts);
	suite_add_tcase(suite, tcase);
	return eal_run_suite(suite);
}

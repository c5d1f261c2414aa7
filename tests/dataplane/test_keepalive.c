// SPDX-License-Identifier: BSD-3-Clause
#include "tests/dataplane/bed.h"
#include "tests/dataplane/eal.h"

// Keep-alives of RFC 5626.

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

static void send_octets(const char *from, const char *to, const void *data, uint32_t len)
{
	bed_make(&in, from, to, data, len);
	bed_send(&bed, 0, &in);
}

static const uint8_t request[20] = {
	0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

START_TEST(a_double_crlf_is_answered_with_one)
{
	send_octets(BED_CALLER4, FIXTURE_VIP4, "\r\n\r\n", 4);
	ck_assert(bed_take(&bed, 0, &out));
	ck_assert_uint_eq(out.payload_len, 2);
	ck_assert_str_eq(out.payload, "\r\n");
	ck_assert_uint_eq(out.to.port, 5062);
	ck_assert_uint_eq(bed.dp.workers[0].counters->keepalives, 1);
}
END_TEST

START_TEST(answers_have_a_rate_per_source)
{
	unsigned int nb = 0;

	bed_publish(&bed, &(struct snapshot_fixture){.reply_rate = 10});
	for (unsigned int i = 0; i < 15; i++) {
		send_octets(BED_CALLER4, FIXTURE_VIP4, "\r\n\r\n", 4);
		send_octets(BED_CALLER4, FIXTURE_VIP4, request, sizeof(request));
	}
	for (; bed_take(&bed, 0, &out); nb++)
		;
	ck_assert_uint_eq(nb, 10);
	ck_assert_uint_eq(bed.dp.workers[0].counters->keepalives, 10);
	ck_assert_uint_eq(bed_drops(&bed, DROP_RATE_REPLY), 20);
	// Another address has its own.
	send_octets(BED_CALLER6, FIXTURE_VIP6, request, sizeof(request));
	ck_assert(bed_take(&bed, 0, &out));
	bed.dp.clock.now_ms += 200;
	send_octets(BED_CALLER4, FIXTURE_VIP4, request, sizeof(request));
	ck_assert(bed_take(&bed, 0, &out));
}
END_TEST

START_TEST(a_binding_request_is_answered_with_the_address)
{
	// RFC 5389 section 15.2: XOR with the magic cookie.
	static const uint8_t attribute[12] = {0, 0x20, 0, 8, 0, 1, (5062 >> 8) ^ 0x21,
		(5062 & 0xff) ^ 0x12, 198 ^ 0x21, 51 ^ 0x12, 100 ^ 0xa4, 10 ^ 0x42};

	send_octets(BED_CALLER4, FIXTURE_VIP4, request, sizeof(request));
	ck_assert(bed_take(&bed, 0, &out));
	ck_assert_uint_eq(out.payload_len, 32);
	ck_assert_int_eq(memcmp(out.payload, "\x01\x01\x00\x0c", 4), 0);
	ck_assert_int_eq(memcmp(out.payload + 4, request + 4, 16), 0);
	ck_assert_int_eq(memcmp(out.payload + 20, attribute, sizeof(attribute)), 0);
}
END_TEST

START_TEST(a_binding_request_over_ipv6)
{
	struct endpoint caller = fixture_endpoint(BED_CALLER6);

	send_octets(BED_CALLER6, FIXTURE_VIP6, request, sizeof(request));
	ck_assert(bed_take(&bed, 0, &out));
	ck_assert_uint_eq(out.payload_len, 44);
	ck_assert_uint_eq((uint8_t)out.payload[25], 2);
	for (unsigned int i = 0; i < 16; i++)
		ck_assert_uint_eq(
			(uint8_t)(out.payload[28 + i] ^ request[4 + i]), caller.ip.octets[i]);
}
END_TEST

START_TEST(attributes_that_may_be_ignored_are)
{
	uint8_t with[28] = {0};

	memcpy(with, request, sizeof(request));
	with[3] = 8;
	memcpy(with + 20, "\x80\x22\x00\x03Me!", 7);
	send_octets(BED_CALLER4, FIXTURE_VIP4, with, sizeof(with));
	ck_assert(bed_take(&bed, 0, &out));
}
END_TEST

static const struct {
	const char *octets;
	uint32_t len;
} unanswered[] = {
	{"", 0}, {"\r\n", 2}, {"\0\0\0\0", 4}, {"\r\n\r\n\r\n", 6}, {"\0\1", 2}, // STUN, cut short
	{"\0\1\0\4!\x12\xa4"
	 "B123456789012",
		20}, // its length is more than what there is
	{"\0\x11\0\0!\x12\xa4"
	 "B123456789012",
		20}, // an indication
	{"\0\1\0\0!\x12\xa4"
	 "C123456789012",
		20}, // another cookie
	{"\0\1\0\x04!\x12\xa4"
	 "B123456789012\0\x24\0\0",
		24}, // an attribute that must be understood
	{"\0\1\0\x04!\x12\xa4"
	 "B123456789012\x80\x24\0\xff",
		24}, // ... or is longer than the message
};

START_TEST(everything_else_is_dropped)
{
	send_octets(BED_CALLER4, FIXTURE_VIP4, unanswered[_i].octets, unanswered[_i].len);
	ck_assert(!bed_take(&bed, 0, &out));
	ck_assert_uint_eq(bed_drops(&bed, DROP_KEEPALIVE), 1);
}
END_TEST

START_TEST(whom_the_access_list_denies_gets_no_answer)
{
	bed_publish(&bed, &(struct snapshot_fixture){.deny_callers = true, .generation = 2});
	send_octets(BED_CALLER4, FIXTURE_VIP4, "\r\n\r\n", 4);
	send_octets(BED_CALLER4, FIXTURE_VIP4, request, sizeof(request));
	ck_assert(!bed_take(&bed, 0, &out));
	ck_assert_uint_eq(bed_drops(&bed, DROP_ACL), 2);
}
END_TEST

START_TEST(our_own_address_as_a_source_gets_no_answer)
{
	send_octets(FIXTURE_VIP4, FIXTURE_VIP4, request, sizeof(request));
	ck_assert_uint_eq(bed_drops(&bed, DROP_BAD_TARGET), 1);
	ck_assert_uint_eq(bed.dp.workers[0].counters->keepalives, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("keepalive");
	TCase *tcase = tcase_create("keepalive");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_double_crlf_is_answered_with_one);
	tcase_add_test(tcase, answers_have_a_rate_per_source);
	tcase_add_test(tcase, a_binding_request_is_answered_with_the_address);
	tcase_add_test(tcase, a_binding_request_over_ipv6);
	tcase_add_test(tcase, whom_the_access_list_denies_gets_no_answer);
	tcase_add_test(tcase, our_own_address_as_a_source_gets_no_answer);
	tcase_add_test(tcase, attributes_that_may_be_ignored_are);
	tcase_add_loop_test(tcase, everything_else_is_dropped, 0, (int)RTE_DIM(unanswered));
	suite_add_tcase(suite, tcase);
	return eal_run_suite(suite);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "tests/dataplane/bed.h"
#include "tests/dataplane/eal.h"

#include "dataplane/cksum.h"
#include "dataplane/worker.h"

#define LEN 3001

static struct bed bed;
static struct worker *w;
static struct bed_packet out;

static void setup(void)
{
	bed_init(&bed, NULL);
	bed_publish(&bed, NULL);
	w = &bed.dp.workers[0];
	worker_begin_turn(w);
}

static void teardown(void)
{
	bed_fini(&bed);
}

static uint16_t first; // octets of what is sent

static void send_octets(uint16_t listener, const char *to)
{
	struct endpoint ep = fixture_endpoint(to);
	struct rte_mbuf *m = worker_alloc(w, LEN);

	ck_assert_ptr_nonnull(m);
	for (unsigned int i = 0; i < LEN; i++)
		*rte_pktmbuf_append(m, 1) = (char)(i * 7);
	memcpy(rte_pktmbuf_mtod(m, char *), &first, sizeof(first));
	tx_message(w, m, listener, &ep);
	tx_flush(w);
}

// Put what a fragment brings where it belongs in the IP payload. Returns how much that is.
static unsigned int join(uint8_t payload[LEN + 8])
{
	const uint8_t *ip = out.frame + RTE_ETHER_HDR_LEN, *data;
	bool v6 = ip[0] >> 4 == 6;
	unsigned int off, len = out.frame_len - RTE_ETHER_HDR_LEN;

	data = ip + (v6 ? 48 : 20);
	len -= v6 ? 48 : 20;
	off = v6 ? (ip[42] << 8 | ip[43]) & 0xfff8 : ((ip[6] << 8 | ip[7]) & 0x1fff) * 8;
	ck_assert_uint_le(off + len, LEN + 8);
	memcpy(payload + off, data, len);
	return len;
}

static const struct {
	uint16_t listener;
	const char *from, *to;
	size_t addr_len;
} ways[] = {
	{0, FIXTURE_VIP4, BED_CALLER4, 4},
	{1, FIXTURE_VIP6, BED_CALLER6, 16},
};

// Ports may fill in checksums, but not over several packets.
START_TEST(the_checksum_is_final_before_a_datagram_is_cut)
{
	struct endpoint from = fixture_endpoint(ways[_i].from), to = fixture_endpoint(ways[_i].to);
	uint8_t payload[LEN + 8];
	unsigned int got = 0;
	uint64_t sum;

	for (unsigned int offload = 0; offload < 2; offload++) {
		w->tx_cksum = offload;
		send_octets(ways[_i].listener, ways[_i].to);
		for (got = 0; bed_take(&bed, 0, &out);)
			got += join(payload);
		ck_assert_uint_eq(got, LEN + 8);
		sum = cksum_add(0, from.ip.octets, ways[_i].addr_len) +
			cksum_add(0, to.ip.octets, ways[_i].addr_len) + rte_cpu_to_be_16(LEN + 8) +
			rte_cpu_to_be_16(IPPROTO_UDP);
		ck_assert_uint_eq(cksum_fold(cksum_add(sum, payload, LEN + 8)), 0xffff);
		for (unsigned int i = 2; i < LEN; i++)
			ck_assert_uint_eq(payload[8 + i], (uint8_t)(i * 7));
	}
}
END_TEST

// 0 says that there is none (RFC 768), and IPv6 does not know that (RFC 8200 section 8.1).
START_TEST(a_checksum_of_0_is_sent_as_its_other_form)
{
	uint8_t payload[LEN + 8];
	uint16_t cksum;

	w->tx_cksum = true;
	first = 0;
	send_octets(ways[_i].listener, ways[_i].to);
	while (bed_take(&bed, 0, &out))
		join(payload);
	memcpy(&first, payload + 6, sizeof(first)); // this much more, and it is 0
	send_octets(ways[_i].listener, ways[_i].to);
	while (bed_take(&bed, 0, &out))
		join(payload);
	first = 0;
	memcpy(&cksum, payload + 6, sizeof(cksum));
	ck_assert_uint_eq(cksum, 0xffff);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tx");
	TCase *tcase = tcase_create("tx");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, the_checksum_is_final_before_a_datagram_is_cut, 0,
		sizeof(ways) / sizeof(ways[0]));
	tcase_add_loop_test(tcase, a_checksum_of_0_is_sent_as_its_other_form, 0,
		sizeof(ways) / sizeof(ways[0]));
	suite_add_tcase(suite, tcase);
	return eal_run_suite(suite);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/fragment.h"

#include "dataplane/reassembler.h"
#include "tests/dataplane/eal.h"

#include <rte_ether.h>
#include <rte_ip.h>

#include <errno.h>

#define L3 RTE_ETHER_HDR_LEN

static struct rte_mbuf *packet(uint8_t version, uint16_t payload)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(eal_large_pool);
	uint16_t l3_len = version == 4 ? 20 : 40;
	char *p = rte_pktmbuf_append(m, (uint16_t)(L3 + l3_len + payload));

	for (int i = 0; i < L3 + l3_len + payload; i++)
		p[i] = (char)(i * 31);
	if (version == 4) {
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(p + L3);

		ip->version_ihl = RTE_IPV4_VHL_DEF;
		ip->total_length = rte_cpu_to_be_16((uint16_t)(20 + payload));
		ip->fragment_offset = 0;
		ip->next_proto_id = IPPROTO_UDP;
	} else {
		struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)(p + L3);

		ip->vtc_flow = RTE_BE32(0x60000000);
		ip->payload_len = rte_cpu_to_be_16(payload);
		ip->proto = IPPROTO_UDP;
	}
	return m;
}

static const struct {
	uint8_t version;
	uint16_t payload, mtu;
	int nb;
} cuts[] = {
	{4, 100, 1500, 1},
	{4, 1480, 1500, 1},
	{4, 1481, 1500, 2},
	{4, 4096, 1500, 3},
	{4, 11840, 1500, 8},
	{6, 1448, 1500, 1},
	{6, 4096, 1500, 3},
	{6, 4096, 1280, 4},
	{4, 400, 68, 9},
};

START_TEST(what_was_cut_is_put_together_again)
{
	struct rte_mbuf *whole = NULL, *out[FRAGMENT_MAX];
	struct rte_mbuf *m = packet(cuts[_i].version, cuts[_i].payload);
	int nb = fragment_packet(m, L3, cuts[_i].mtu, 77, eal_pool, out);
	struct reassembler *r = reassembler_create(&(struct reassembler_options){
		.pool = eal_large_pool, .flows = 8, .per_source = 8, .timeout_ms = 1000});
	uint16_t l3_len = cuts[_i].version == 4 ? 20 : 40;

	ck_assert_int_eq(nb, cuts[_i].nb);
	for (int i = 0; i < nb; i++) {
		struct ip_fragment f;

		ck_assert_uint_le(out[i]->pkt_len, (uint32_t)L3 + cuts[_i].mtu);
		if (nb <= REASSEMBLER_PARTS_MAX && nb > 1) {
			ck_assert_int_eq(ip_fragment_read(out[i], L3, &f), 0);
			ck_assert_int_eq(reassembler_add(r, &f, 0, &whole), DROP_NONE);
		}
		if (cuts[_i].version == 4)
			ck_assert_uint_eq(
				rte_raw_cksum(rte_pktmbuf_mtod_offset(out[i], char *, L3), 20),
				0xffff);
		rte_pktmbuf_free(out[i]);
	}
	if (nb > 1 && nb <= REASSEMBLER_PARTS_MAX) {
		ck_assert_ptr_nonnull(whole);
		ck_assert_uint_eq(whole->pkt_len, m->pkt_len);
		ck_assert_mem_eq(rte_pktmbuf_mtod_offset(whole, char *, L3 + l3_len),
			rte_pktmbuf_mtod_offset(m, char *, L3 + l3_len), cuts[_i].payload);
		rte_pktmbuf_free(whole);
	}
	rte_pktmbuf_free(m);
	reassembler_destroy(r);
}
END_TEST

START_TEST(refuses_an_mtu_that_the_protocol_forbids)
{
	struct rte_mbuf *out[FRAGMENT_MAX], *m = packet(6, 2000);

	ck_assert_int_eq(fragment_packet(m, L3, 1279, 1, eal_pool, out), -EINVAL);
	rte_pktmbuf_free(m);
	m = packet(4, 2000);
	ck_assert_int_eq(fragment_packet(m, L3, 67, 1, eal_pool, out), -EINVAL);
	rte_pktmbuf_free(m);
}
END_TEST

START_TEST(refuses_more_fragments_than_it_may_make)
{
	struct rte_mbuf *out[FRAGMENT_MAX], *m = packet(4, 48 * FRAGMENT_MAX + 1);

	ck_assert_int_eq(fragment_packet(m, L3, 68, 1, eal_pool, out), -EMSGSIZE);
	rte_pktmbuf_free(m);
}
END_TEST

START_TEST(leaves_nothing_behind_when_buffers_run_out)
{
	struct rte_mempool *tiny =
		rte_pktmbuf_pool_create("tiny", 2, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	struct rte_mbuf *out[FRAGMENT_MAX], *m = packet(4, 4096);

	ck_assert_int_eq(fragment_packet(m, L3, 1500, 1, tiny, out), -ENOMEM);
	ck_assert_uint_eq(rte_mempool_in_use_count(tiny), 0);
	rte_mempool_free(tiny);
	rte_pktmbuf_free(m);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("fragment");
	TCase *tc = tcase_create("fragment");

	tcase_add_loop_test(tc, what_was_cut_is_put_together_again, 0, RTE_DIM(cuts));
	tcase_add_test(tc, refuses_an_mtu_that_the_protocol_forbids);
	tcase_add_test(tc, refuses_more_fragments_than_it_may_make);
	tcase_add_test(tc, leaves_nothing_behind_when_buffers_run_out);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return eal_run_suite(make_suite());
}

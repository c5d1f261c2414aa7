// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/reassembler.h"

#include "tests/dataplane/eal.h"

#include <rte_ether.h>
#include <rte_ip.h>

#include <errno.h>
#include <stdlib.h>

#define L3 RTE_ETHER_HDR_LEN

static struct reassembler *r;
static uint8_t family; // of the loop tests: 4 or 6

static void setup_limits(uint32_t flows, uint32_t per_source)
{
	r = reassembler_create(&(struct reassembler_options){.pool = eal_large_pool,
		.flows = flows,
		.per_source = per_source,
		.timeout_ms = 2000,
		.key = "0123456789abcdef",
		.socket = 0});
	ck_assert_ptr_nonnull(r);
}

static void setup(void)
{
	setup_limits(64, 64);
}

static void teardown(void)
{
	reassembler_destroy(r);
}

static char payload_octet(uint32_t at)
{
	return (char)('a' + at * 7 % 26);
}

// A fragment whose payload octet at offset x of the datagram is payload_octet(x).
static struct rte_mbuf *frame(uint8_t version, uint32_t id, uint16_t off, uint16_t len, bool more)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(eal_pool);
	uint16_t header = version == 4 ? 20 : 48;
	char *p = rte_pktmbuf_append(m, (uint16_t)(L3 + header + len));

	memset(p, 0, L3 + header);
	if (version == 4) {
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(p + L3);

		ip->version_ihl = RTE_IPV4_VHL_DEF;
		ip->total_length = rte_cpu_to_be_16((uint16_t)(20 + len));
		ip->packet_id = (uint16_t)id;
		ip->fragment_offset =
			rte_cpu_to_be_16((uint16_t)(off / 8 | (more ? RTE_IPV4_HDR_MF_FLAG : 0)));
		ip->time_to_live = 64;
		ip->next_proto_id = IPPROTO_UDP;
		ip->src_addr = RTE_BE32(0xc0000201);
		ip->dst_addr = RTE_BE32(0xcb007105);
	} else {
		struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)(p + L3);
		struct rte_ipv6_fragment_ext *ext = (struct rte_ipv6_fragment_ext *)(ip + 1);

		ip->vtc_flow = RTE_BE32(0x60000000);
		ip->payload_len = rte_cpu_to_be_16((uint16_t)(8 + len));
		ip->proto = IPPROTO_FRAGMENT;
		ip->hop_limits = 64;
		((uint8_t *)&ip->src_addr)[15] = 1;
		((uint8_t *)&ip->dst_addr)[15] = 5;
		ext->next_header = IPPROTO_UDP;
		ext->frag_data = rte_cpu_to_be_16(RTE_IPV6_SET_FRAG_DATA(off, more));
		ext->id = id;
	}
	for (uint16_t i = 0; i < len; i++)
		p[L3 + header + i] = payload_octet(off + i);
	return m;
}

static enum drop_reason add(
	uint32_t id, uint16_t off, uint16_t len, bool more, uint64_t now, struct rte_mbuf **whole)
{
	struct rte_mbuf *m = frame(family, id, off, len, more);
	struct ip_fragment f;
	enum drop_reason reason;

	ck_assert_int_eq(ip_fragment_read(m, L3, &f), 0);
	reason = reassembler_add(r, &f, now, whole);
	rte_pktmbuf_free(m);
	return reason;
}

static void assert_whole(struct rte_mbuf *whole, uint16_t total)
{
	const char *p;
	uint16_t l3_len = family == 4 ? 20 : 40;

	ck_assert_ptr_nonnull(whole);
	p = rte_pktmbuf_mtod(whole, const char *);
	ck_assert_uint_eq(whole->nb_segs, 1);
	ck_assert_uint_eq(whole->pkt_len, L3 + l3_len + total);
	for (uint32_t i = 0; i < total; i++)
		ck_assert_int_eq(p[L3 + l3_len + i], payload_octet(i));
	if (family == 4) {
		const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(p + L3);

		ck_assert_uint_eq(rte_be_to_cpu_16(ip->total_length), 20 + total);
		ck_assert_uint_eq(ip->fragment_offset, 0);
		ck_assert_uint_eq(rte_raw_cksum(ip, 20), 0xffff);
	} else {
		const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)(p + L3);

		ck_assert_uint_eq(rte_be_to_cpu_16(ip->payload_len), total);
		ck_assert_uint_eq(ip->proto, IPPROTO_UDP);
	}
	rte_pktmbuf_free(whole);
}

// Adds the nb fragments of 8 * (i + 1) octets each in the order given; the last one has 5 octets.
static void add_in_order(const unsigned int *order, unsigned int nb, bool twice)
{
	struct rte_mbuf *whole = NULL;
	uint16_t total = 0;

	for (unsigned int i = 0; i < nb; i++) {
		uint16_t off = 0, len = 5;

		for (unsigned int k = 0; k < order[i]; k++)
			off = (uint16_t)(off + 8 * (k + 1));
		if (order[i] + 1 < nb)
			len = (uint16_t)(8 * (order[i] + 1));
		else
			total = (uint16_t)(off + len);
		ck_assert_ptr_null(whole);
		ck_assert_int_eq(add(7, off, len, order[i] + 1 < nb, 0, &whole), DROP_NONE);
		if (twice && whole == NULL)
			ck_assert_int_eq(add(7, off, len, order[i] + 1 < nb, 0, &whole),
				DROP_FRAGMENT_DUPLICATE);
	}
	assert_whole(whole, total);
	ck_assert_uint_eq(reassembler_count(r), 0);
}

static void shuffle(unsigned int *order, unsigned int nb)
{
	for (unsigned int i = nb - 1; i > 0; i--) {
		unsigned int k = (unsigned int)rand() % (i + 1), swap = order[i];

		order[i] = order[k];
		order[k] = swap;
	}
}

START_TEST(puts_2_to_8_fragments_together_in_any_order)
{
	family = _i % 2 == 0 ? 4 : 6;
	srand((unsigned int)_i);
	for (unsigned int nb = 2; nb <= REASSEMBLER_PARTS_MAX; nb++) {
		unsigned int order[REASSEMBLER_PARTS_MAX];

		for (unsigned int i = 0; i < nb; i++)
			order[i] = i;
		shuffle(order, nb);
		// The first fragment must hold a UDP header, so its 8 octets do.
		add_in_order(order, nb, _i % 3 == 0);
	}
}
END_TEST

START_TEST(a_ninth_fragment_drops_the_datagram)
{
	struct rte_mbuf *whole;

	family = 4;
	for (uint16_t i = 0; i < REASSEMBLER_PARTS_MAX; i++)
		ck_assert_int_eq(add(1, (uint16_t)(i * 8), 8, true, 0, &whole), DROP_NONE);
	ck_assert_int_eq(add(1, 64, 8, false, 0, &whole), DROP_FRAGMENT);
	ck_assert_ptr_null(whole);
}
END_TEST

static const struct {
	struct {
		uint16_t off, len;
		bool more;
	} first, second;
} overlaps[] = {
	{{0, 16, true}, {8, 16, true}}, {{8, 16, true}, {0, 16, true}},
	{{0, 64, true}, {8, 8, true}}, {{8, 8, true}, {0, 64, true}},
	{{0, 16, true}, {0, 24, true}}, {{16, 5, false}, {16, 8, true}}, // beyond the end
	{{16, 5, false}, {24, 8, true}}, {{16, 5, false}, {8, 5, false}}, // two ends
	{{16, 8, true}, {8, 5, false}}, // an end before what is there
};

START_TEST(an_overlap_drops_the_datagram_and_all_that_follows_of_it)
{
	struct rte_mbuf *whole;

	for (family = 4; family <= 6; family += 2) {
		ck_assert_int_eq(add(9, overlaps[_i].first.off, overlaps[_i].first.len,
					 overlaps[_i].first.more, 0, &whole),
			DROP_NONE);
		ck_assert_int_eq(add(9, overlaps[_i].second.off, overlaps[_i].second.len,
					 overlaps[_i].second.more, 0, &whole),
			DROP_FRAGMENT);
		ck_assert_int_eq(add(9, 0, 8, true, 0, &whole), DROP_FRAGMENT);
		ck_assert_ptr_null(whole);
	}
}
END_TEST

START_TEST(a_datagram_that_stays_incomplete_expires)
{
	struct rte_mbuf *whole;

	family = 4;
	ck_assert_int_eq(add(1, 0, 8, true, 0, &whole), DROP_NONE);
	ck_assert_int_eq(add(2, 0, 8, true, 1000, &whole), DROP_NONE);
	ck_assert_uint_eq(reassembler_expire(r, 1999), 0);
	ck_assert_uint_eq(reassembler_expire(r, 2000), 1);
	ck_assert_uint_eq(reassembler_count(r), 1);
	ck_assert_uint_eq(reassembler_expire(r, 3000), 1);
	ck_assert_uint_eq(rte_mempool_in_use_count(eal_large_pool), 0);
}
END_TEST

START_TEST(an_id_that_comes_again_after_the_time_is_another_datagram)
{
	struct rte_mbuf *whole;

	family = 4;
	ck_assert_int_eq(add(1, 0, 16, true, 0, &whole), DROP_NONE);
	ck_assert_int_eq(add(1, 0, 8, true, 2000, &whole), DROP_NONE);
	ck_assert_int_eq(add(1, 8, 5, false, 2000, &whole), DROP_NONE);
	assert_whole(whole, 13);
}
END_TEST

START_TEST(one_source_cannot_take_all_the_room)
{
	struct rte_mbuf *whole;

	reassembler_destroy(r);
	setup_limits(64, 3);
	family = 4;
	for (uint32_t id = 0; id < 3; id++)
		ck_assert_int_eq(add(id, 0, 8, true, 0, &whole), DROP_NONE);
	ck_assert_int_eq(add(3, 0, 8, true, 0, &whole), DROP_FRAGMENT_LIMIT);
	family = 6;
	ck_assert_int_eq(add(3, 0, 8, true, 0, &whole), DROP_NONE);
	family = 4;
	ck_assert_int_eq(add(0, 8, 8, false, 0, &whole), DROP_NONE);
	assert_whole(whole, 16);
	ck_assert_int_eq(add(3, 0, 8, true, 0, &whole), DROP_NONE);
}
END_TEST

START_TEST(the_oldest_datagram_makes_room)
{
	struct rte_mbuf *whole;

	reassembler_destroy(r);
	setup_limits(2, 64);
	family = 6;
	ck_assert_int_eq(add(1, 0, 8, true, 0, &whole), DROP_NONE);
	ck_assert_int_eq(add(2, 0, 8, true, 0, &whole), DROP_NONE);
	ck_assert_int_eq(add(3, 0, 8, true, 0, &whole), DROP_NONE);
	ck_assert_uint_eq(reassembler_evicted(r), 1);
	ck_assert_uint_eq(reassembler_count(r), 2);
	// The second and the third go on, the first begins anew.
	ck_assert_int_eq(add(2, 8, 8, false, 0, &whole), DROP_NONE);
	assert_whole(whole, 16);
	ck_assert_int_eq(add(3, 8, 8, false, 0, &whole), DROP_NONE);
	assert_whole(whole, 16);
	ck_assert_int_eq(add(1, 8, 8, false, 0, &whole), DROP_NONE);
	ck_assert_ptr_null(whole);
	ck_assert_uint_eq(reassembler_expire(r, 5000), 1);
}
END_TEST

START_TEST(without_a_buffer_the_oldest_makes_room)
{
	struct rte_mbuf *whole;

	reassembler_destroy(r);
	setup_limits(400, 400);
	family = 4;
	for (uint32_t id = 0; id < 300; id++)
		ck_assert_int_eq(add(id, 0, 8, true, 0, &whole), DROP_NONE);
	ck_assert_uint_eq(reassembler_evicted(r), 300 - eal_large_pool->size);
	ck_assert_int_eq(add(299, 8, 8, false, 0, &whole), DROP_NONE);
	assert_whole(whole, 16);
}
END_TEST

START_TEST(a_fragment_in_two_segments_is_copied_whole)
{
	struct rte_mbuf *head = frame(4, 1, 0, 8, true), *tail = rte_pktmbuf_alloc(eal_pool),
			*whole;
	struct ip_fragment f;

	family = 4;
	// Move the last 3 octets into a second segment.
	memcpy(rte_pktmbuf_append(tail, 3),
		rte_pktmbuf_mtod_offset(head, char *, head->data_len - 3), 3);
	rte_pktmbuf_trim(head, 3);
	ck_assert_int_eq(rte_pktmbuf_chain(head, tail), 0);
	ck_assert_int_eq(ip_fragment_read(head, L3, &f), 0);
	ck_assert_int_eq(reassembler_add(r, &f, 0, &whole), DROP_NONE);
	rte_pktmbuf_free(head);
	ck_assert_int_eq(add(1, 8, 3, false, 0, &whole), DROP_NONE);
	assert_whole(whole, 11);
}
END_TEST

START_TEST(refuses_what_cannot_be_a_fragment)
{
	static const struct {
		uint16_t off, len;
		bool more;
	} bad[] = {
		{0, 7, false}, // no room for a UDP header; also not a first fragment's size
		{0, 12, true}, // not a multiple of 8
		{65528, 8, false}, // ends beyond what a datagram can have
		{8, 0, false},
	};
	struct ip_fragment f;

	for (family = 4; family <= 6; family += 2)
		for (unsigned int i = 0; i < RTE_DIM(bad); i++) {
			struct rte_mbuf *m =
				frame(family, 1, bad[i].off, bad[i].len, bad[i].more || i == 0);

			ck_assert_int_eq(ip_fragment_read(m, L3, &f), -EBADMSG);
			rte_pktmbuf_free(m);
		}
}
END_TEST

START_TEST(refuses_a_fragment_that_is_shorter_than_it_says)
{
	struct ip_fragment f;

	for (family = 4; family <= 6; family += 2)
		for (uint16_t cut = 1; cut < 60; cut++) {
			struct rte_mbuf *m = frame(family, 1, 0, 16, true);

			rte_pktmbuf_trim(m, RTE_MIN(cut, m->data_len));
			ck_assert_int_ne(ip_fragment_read(m, L3, &f), 0);
			rte_pktmbuf_free(m);
		}
}
END_TEST

START_TEST(a_whole_datagram_is_no_fragment)
{
	struct rte_mbuf *m = frame(4, 1, 0, 16, false);
	struct ip_fragment f;

	ck_assert_int_eq(ip_fragment_read(m, L3, &f), -ENOENT);
	rte_pktmbuf_free(m);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("reassembler");
	TCase *tc = tcase_create("reassembler");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, puts_2_to_8_fragments_together_in_any_order, 0, 24);
	tcase_add_test(tc, a_ninth_fragment_drops_the_datagram);
	tcase_add_loop_test(
		tc, an_overlap_drops_the_datagram_and_all_that_follows_of_it, 0, RTE_DIM(overlaps));
	tcase_add_test(tc, a_datagram_that_stays_incomplete_expires);
	tcase_add_test(tc, an_id_that_comes_again_after_the_time_is_another_datagram);
	tcase_add_test(tc, one_source_cannot_take_all_the_room);
	tcase_add_test(tc, the_oldest_datagram_makes_room);
	tcase_add_test(tc, without_a_buffer_the_oldest_makes_room);
	tcase_add_test(tc, a_fragment_in_two_segments_is_copied_whole);
	tcase_add_test(tc, refuses_what_cannot_be_a_fragment);
	tcase_add_test(tc, refuses_a_fragment_that_is_shorter_than_it_says);
	tcase_add_test(tc, a_whole_datagram_is_no_fragment);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return eal_run_suite(make_suite());
}

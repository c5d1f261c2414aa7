// SPDX-License-Identifier: BSD-3-Clause
#include "tests/dataplane/bed.h"
#include "tests/dataplane/eal.h"

#include <rte_ip.h>
#include <rte_udp.h>

#include <stdlib.h>

// What a frame is taken for: ours, the kernel's, or nobody's.

static struct bed bed;
static struct bed_packet in, out;
static char *invite;

static void setup(void)
{
	bed_init(&bed, NULL);
	bed_publish(&bed, NULL);
	invite = bed_invite("198.51.100.10:5062", "classify", 50);
	bed_make(&in, BED_CALLER4, FIXTURE_VIP4, invite, (uint32_t)strlen(invite));
	memset(in.frame, 0, 2 * RTE_ETHER_ADDR_LEN);
}

static void teardown(void)
{
	free(invite);
	bed_fini(&bed);
}

static struct rte_ipv4_hdr *ip4(void)
{
	return (struct rte_ipv4_hdr *)(in.frame + RTE_ETHER_HDR_LEN);
}

static struct rte_udp_hdr *udp4(void)
{
	return (struct rte_udp_hdr *)(ip4() + 1);
}

static void fix_udp(void)
{
	udp4()->dgram_cksum = 0;
	udp4()->dgram_cksum = rte_ipv4_udptcp_cksum(ip4(), udp4());
}

START_TEST(a_sound_frame_is_forwarded)
{
	bed_send(&bed, 0, &in);
	ck_assert(bed_take(&bed, 1, &out));
	ck_assert(!bed_take_punt(&bed, &out));
}
END_TEST

START_TEST(no_udp_checksum_is_none_in_ipv4)
{
	udp4()->dgram_cksum = 0;
	bed_send(&bed, 0, &in);
	ck_assert(bed_take(&bed, 1, &out));
}
END_TEST

START_TEST(padding_behind_the_packet_is_no_body)
{
	memset(in.frame + in.frame_len, 'x', 30);
	in.frame_len += 30;
	bed_send(&bed, 0, &in);
	ck_assert(bed_take(&bed, 1, &out));
	ck_assert_str_eq(strstr(out.payload, "\r\n\r\n"), strstr(invite, "\r\n\r\n"));
}
END_TEST

START_TEST(ip_options_are_stepped_over)
{
	struct rte_ipv4_hdr *ip = ip4();

	memmove(in.frame + 14 + 24, in.frame + 14 + 20, in.frame_len - 34);
	memset(in.frame + 34, 1, 4);
	in.frame_len += 4;
	ip->version_ihl = 0x46;
	ip->total_length = rte_cpu_to_be_16((uint16_t)(in.frame_len - 14));
	bed_fix_ip(&in);
	bed_send(&bed, 0, &in);
	ck_assert(bed_take(&bed, 1, &out));
}
END_TEST

// Each of these changes makes the frame malformed: a counted drop, and nothing else happens.
static void version_5(void)
{
	ip4()->version_ihl = 0x55;
}

static void header_too_short(void)
{
	ip4()->version_ihl = 0x44;
	bed_fix_ip(&in);
}

static void header_beyond_packet(void)
{
	ip4()->version_ihl = 0x4f;
	ip4()->total_length = RTE_BE16(40);
	bed_fix_ip(&in);
}

static void total_beyond_frame(void)
{
	ip4()->total_length = rte_cpu_to_be_16((uint16_t)(in.frame_len - 13));
	bed_fix_ip(&in);
}

static void total_below_header(void)
{
	ip4()->total_length = RTE_BE16(19);
	bed_fix_ip(&in);
}

static void cut_in_ip(void)
{
	in.frame_len = 14 + 12;
}

static void cut_in_udp(void)
{
	in.frame_len = 14 + 20 + 5;
	ip4()->total_length = RTE_BE16(25);
	bed_fix_ip(&in);
}

static void udp_beyond_packet(void)
{
	udp4()->dgram_len = rte_cpu_to_be_16((uint16_t)(in.frame_len - 33));
	udp4()->dgram_cksum = 0;
}

static void udp_below_header(void)
{
	udp4()->dgram_len = RTE_BE16(7);
	udp4()->dgram_cksum = 0;
}

static void from_port_0(void)
{
	udp4()->src_port = 0;
	fix_udp();
}

static void from_multicast(void)
{
	ip4()->src_addr = RTE_BE32(0xe0000001);
	bed_fix_ip(&in);
	fix_udp();
}

static void from_nowhere(void)
{
	ip4()->src_addr = 0;
	bed_fix_ip(&in);
	fix_udp();
}

static void from_loopback(void)
{
	ip4()->src_addr = RTE_BE32(0x7f000001);
	bed_fix_ip(&in);
	fix_udp();
}

static void one_octet(void)
{
	in.frame_len = 1;
}

static void make_v6(void)
{
	bed_make(&in, BED_CALLER6, FIXTURE_VIP6, "0123456789abcdef", 16);
}

static void version_5_in_ipv6(void)
{
	make_v6();
	in.frame[14] = 0x50;
}

static void cut_in_ipv6(void)
{
	make_v6();
	in.frame_len = 14 + 39;
}

static void payload_beyond_frame(void)
{
	make_v6();
	in.frame[14 + 5]++;
}

static void cut_in_fragment_header(void)
{
	make_v6();
	in.frame[14 + 6] = IPPROTO_FRAGMENT;
	in.frame[14 + 5] = 7;
}

static void (*const malformed[])(void) = {version_5, header_too_short, header_beyond_packet,
	total_beyond_frame, total_below_header, cut_in_ip, cut_in_udp, udp_beyond_packet,
	udp_below_header, from_port_0, from_multicast, from_nowhere, from_loopback, one_octet,
	version_5_in_ipv6, cut_in_ipv6, payload_beyond_frame, cut_in_fragment_header};

START_TEST(malformed_frames_are_dropped)
{
	malformed[_i]();
	bed_send(&bed, 0, &in);
	ck_assert(!bed_take(&bed, 1, &out));
	ck_assert(!bed_take(&bed, 0, &out));
	ck_assert(!bed_take_punt(&bed, &out));
	ck_assert_uint_eq(bed_drops(&bed, DROP_BAD_IP), 1);
}
END_TEST

START_TEST(wrong_checksums_are_dropped)
{
	if (_i == 0)
		ip4()->hdr_checksum ^= 1;
	else
		in.frame[in.frame_len - _i] ^= 0x10;
	bed_send(&bed, 0, &in);
	ck_assert(!bed_take(&bed, 1, &out));
	ck_assert_uint_eq(bed_drops(&bed, DROP_BAD_CHECKSUM), 1);
}
END_TEST

// These belong to the kernel.
static void another_port(void)
{
	udp4()->dst_port = RTE_BE16(53);
	fix_udp();
}

static void another_address(void)
{
	ip4()->dst_addr = RTE_BE32(0xcb007106);
	bed_fix_ip(&in);
	fix_udp();
}

static void tcp(void)
{
	ip4()->next_proto_id = IPPROTO_TCP;
	bed_fix_ip(&in);
}

static void another_mac(void)
{
	memset(in.frame, 0xff, 6);
}

static void arp(void)
{
	in.frame[12] = 0x08;
	in.frame[13] = 0x06;
}

static void fragment_of_another(void)
{
	another_address();
	ip4()->fragment_offset = RTE_BE16(RTE_IPV4_HDR_MF_FLAG);
	bed_fix_ip(&in);
}

static void fragment_of_ping(void)
{
	ip4()->next_proto_id = IPPROTO_ICMP;
	ip4()->fragment_offset = RTE_BE16(RTE_IPV4_HDR_MF_FLAG);
	bed_fix_ip(&in);
}

// A whole datagram in one fragment whose payload is a Fragment header again.
static void fragment_in_fragment(void)
{
	static const uint8_t headers[] = {IPPROTO_FRAGMENT, 0, 0, 0, 0, 0, 0, 1, //
		IPPROTO_UDP, 0, 0, 0, 0, 0, 0, 2};

	make_v6();
	in.frame[14 + 6] = IPPROTO_FRAGMENT;
	memcpy(in.frame + 14 + 40, headers, sizeof(headers));
}

static void (*const kernels[])(void) = {another_port, another_address, tcp, another_mac, arp,
	fragment_of_another, fragment_of_ping, fragment_in_fragment};

START_TEST(what_is_not_ours_goes_to_the_kernel)
{
	kernels[_i]();
	bed_send(&bed, 0, &in);
	ck_assert(!bed_take(&bed, 1, &out));
	ck_assert(!bed_take(&bed, 0, &out));
	ck_assert(bed_take_punt(&bed, &out));
	ck_assert_uint_eq(out.frame_len, in.frame_len);
	ck_assert_int_eq(memcmp(out.frame + 12, in.frame + 12, in.frame_len - 12), 0);
	ck_assert_uint_eq(bed.dp.workers[0].counters->to_twin, 1);
}
END_TEST

START_TEST(ipv6_needs_its_checksum)
{
	char *six = bed_invite("[2001:db8:1::10]:5062", "six", 0);

	bed_make(&in, BED_CALLER6, FIXTURE_VIP6, six, (uint32_t)strlen(six));
	memset(in.frame + 14 + 40 + 6, 0, 2);
	bed_send(&bed, 0, &in);
	ck_assert(!bed_take(&bed, 1, &out));
	ck_assert_uint_eq(bed_drops(&bed, DROP_BAD_CHECKSUM), 1);
	free(six);
}
END_TEST

// Turn `in` into a port unreachable about what the VIP sent to a backend.
static void make_icmp(const char *sent_to)
{
	struct endpoint vip = fixture_endpoint(FIXTURE_VIP4), backend = fixture_endpoint(sent_to);
	struct rte_ipv4_hdr *inner;
	struct rte_udp_hdr *udp;

	memset(in.frame + 34, 0, 100);
	in.frame[34] = 3; // destination unreachable
	in.frame[35] = 3; // port
	inner = (struct rte_ipv4_hdr *)(in.frame + 34 + 8);
	*inner = (struct rte_ipv4_hdr){.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = RTE_BE16(500),
		.next_proto_id = IPPROTO_UDP};
	memcpy(&inner->src_addr, vip.ip.octets, 4);
	memcpy(&inner->dst_addr, backend.ip.octets, 4);
	udp = (struct rte_udp_hdr *)(inner + 1);
	*udp = (struct rte_udp_hdr){
		.src_port = RTE_BE16(5060), .dst_port = RTE_BE16(5060), .dgram_len = RTE_BE16(480)};
	in.frame_len = 34 + 8 + 28;
	ip4()->next_proto_id = IPPROTO_ICMP;
	ip4()->total_length = rte_cpu_to_be_16((uint16_t)(in.frame_len - 14));
	bed_fix_ip(&in);
}

static struct ipc_ring *events(void)
{
	return bed.dp.workers[0].events;
}

static void send_icmp(const char *sent_to)
{
	make_icmp(sent_to);
	bed_send(&bed, 1, &in);
	ck_assert(bed_take_punt(&bed, &out));
}

START_TEST(a_flood_of_icmp_errors_leaves_room_for_the_rest)
{
	const struct ipc_worker_counters *counters = bed.dp.workers[0].counters;

	bed_publish(&bed, &(struct snapshot_fixture){.generation = 2, .nb_backends = 2});
	for (unsigned int i = 0; i < 50; i++)
		send_icmp(FIXTURE_BACKEND4);
	ck_assert_uint_eq(ipc_ring_used(events()), 1);
	ck_assert_uint_eq(counters->icmp_limited, 49);
	// Of another backend, and later, it is news.
	send_icmp("10.20.1.2:5060");
	ck_assert_uint_eq(ipc_ring_used(events()), 2);
	bed.dp.clock.now_ms += 100;
	send_icmp(FIXTURE_BACKEND4);
	ck_assert_uint_eq(ipc_ring_used(events()), 3);
	// Half of the ring is not theirs, even when nobody reads it.
	while (ipc_ring_used(events()) < IPC_EVENT_SLOTS / 2)
		ipc_ring_push(events());
	bed.dp.clock.now_ms += 100;
	send_icmp(FIXTURE_BACKEND4);
	ck_assert_uint_eq(ipc_ring_used(events()), IPC_EVENT_SLOTS / 2);
	ck_assert_uint_eq(counters->icmp_limited, 50);
	ck_assert_uint_eq(counters->events_lost, 0);
}
END_TEST

START_TEST(an_icmp_error_about_a_backend_is_evidence_and_the_kernels)
{
	const struct ipc_event *event;

	make_icmp(FIXTURE_BACKEND4);
	// From the callers' side it is none.
	bed_send(&bed, 0, &in);
	ck_assert(bed_take_punt(&bed, &out));
	ck_assert_ptr_null(
		ipc_ring_peek(bed.dp.workers[0].events, IPC_EVENT_SLOTS, IPC_EVENT_SIZE));
	// Nor is it from a port that is said to have no backends, wherever the route leads.
	bed_publish(&bed, &(struct snapshot_fixture){.generation = 2, .barred_ports = 1 << 1});
	bed_send(&bed, 1, &in);
	ck_assert(bed_take_punt(&bed, &out));
	ck_assert_ptr_null(
		ipc_ring_peek(bed.dp.workers[0].events, IPC_EVENT_SLOTS, IPC_EVENT_SIZE));
	bed_publish(&bed, &(struct snapshot_fixture){.generation = 3});
	bed_send(&bed, 1, &in);
	ck_assert(bed_take_punt(&bed, &out));
	event = ipc_ring_peek(bed.dp.workers[0].events, IPC_EVENT_SLOTS, IPC_EVENT_SIZE);
	ck_assert_ptr_nonnull(event);
	ck_assert_uint_eq(event->type, IPC_EVENT_ICMP);
	ck_assert_uint_eq(event->icmp.backend_id, backend_id("access", "b0000"));
}
END_TEST

// Behind the outside port somebody writes a backend's address into his packets.
START_TEST(who_forges_a_backend_on_the_outside_port_is_dropped)
{
	static const char callout[] = "INVITE sip:x@192.0.2.66 SIP/2.0\r\n"
				      "Via: SIP/2.0/UDP 10.20.1.1;branch=z9hG4bK1\r\n"
				      "To: <sip:a@x>\r\nFrom: <sip:b@x>;tag=1\r\nCall-ID: 1\r\n"
				      "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";

	bed_publish(&bed,
		&(struct snapshot_fixture){
			.generation = 2, .barred_ports = 1 << 0, .source_rate = 1});
	bed_make(&in, FIXTURE_BACKEND4, FIXTURE_VIP4, callout, sizeof(callout) - 1);
	for (unsigned int i = 0; i < 5; i++)
		bed_send(&bed, 0, &in);
	bed_make(&in, FIXTURE_BACKEND4, FIXTURE_VIP4, "\r\n\r\n", 4);
	bed_send(&bed, 0, &in);
	bed_make(&in, FIXTURE_BACKEND4, FIXTURE_VIP4, "INVITE garbage\r\n\r\n", 18);
	bed_send(&bed, 0, &in);
	ck_assert(!bed_take(&bed, 0, &out));
	ck_assert(!bed_take(&bed, 1, &out));
	ck_assert_uint_eq(bed_drops(&bed, DROP_SPOOFED), 7);
}
END_TEST

// One octet of a sound frame is changed, every one of them in turn: whatever it becomes, the mbuf
// has one end and nothing is read beyond it.
START_TEST(every_changed_octet_is_survived)
{
	uint32_t len = in.frame_len;

	for (uint32_t off = 12; off < len; off++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			in.frame[off] ^= (uint8_t)(1 << bit);
			bed_send(&bed, 0, &in);
			in.frame[off] ^= (uint8_t)(1 << bit);
			while (bed_take(&bed, 0, &out) || bed_take(&bed, 1, &out) ||
				bed_take_punt(&bed, &out))
				;
		}
	}
}
END_TEST

START_TEST(every_length_is_survived)
{
	uint32_t len = in.frame_len;

	for (in.frame_len = 0; in.frame_len <= len; in.frame_len++) {
		bed_send(&bed, 0, &in);
		while (bed_take(&bed, 0, &out) || bed_take(&bed, 1, &out) ||
			bed_take_punt(&bed, &out))
			;
	}
}
END_TEST

START_TEST(random_octets_are_survived)
{
	uint32_t seed = 12345 + (uint32_t)_i;

	for (unsigned int n = 0; n < 3000; n++) {
		uint32_t from = n % 3 == 0 ? 12 : n % 3 == 1 ? 14 : 42;

		bed_make(&in, BED_CALLER4, FIXTURE_VIP4, invite, (uint32_t)strlen(invite));
		memset(in.frame, 0, 12);
		for (uint32_t off = from; off < in.frame_len; off++)
			in.frame[off] = (uint8_t)((seed = seed * 1103515245u + 12345u) >> 16);
		if (from == 42)
			fix_udp();
		bed_send(&bed, 0, &in);
		while (bed_take(&bed, 0, &out) || bed_take(&bed, 1, &out) ||
			bed_take_punt(&bed, &out))
			;
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("classify");
	TCase *tcase = tcase_create("classify");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_sound_frame_is_forwarded);
	tcase_add_test(tcase, no_udp_checksum_is_none_in_ipv4);
	tcase_add_test(tcase, padding_behind_the_packet_is_no_body);
	tcase_add_test(tcase, ip_options_are_stepped_over);
	tcase_add_loop_test(tcase, malformed_frames_are_dropped, 0, (int)RTE_DIM(malformed));
	tcase_add_loop_test(tcase, wrong_checksums_are_dropped, 0, 3);
	tcase_add_loop_test(tcase, what_is_not_ours_goes_to_the_kernel, 0, (int)RTE_DIM(kernels));
	tcase_add_test(tcase, ipv6_needs_its_checksum);
	tcase_add_test(tcase, a_flood_of_icmp_errors_leaves_room_for_the_rest);
	tcase_add_test(tcase, an_icmp_error_about_a_backend_is_evidence_and_the_kernels);
	tcase_add_test(tcase, who_forges_a_backend_on_the_outside_port_is_dropped);
	tcase_add_test(tcase, every_changed_octet_is_survived);
	tcase_add_test(tcase, every_length_is_survived);
	tcase_add_loop_test(tcase, random_octets_are_survived, 0, 3);
	suite_add_tcase(suite, tcase);
	return eal_run_suite(suite);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "tests/dataplane/bed.h"
#include "tests/dataplane/eal.h"

#include "dataplane/hold.h"
#include "dataplane/names.h"
#include "dataplane/twin.h"

#include <rte_cycles.h>
#include <rte_ip.h>

#include <stdio.h>
#include <stdlib.h>

// The whole way of a packet, bytes in and bytes out, as worker_turn() takes it.

static struct bed bed;
static struct bed_packet in, out;

static void setup(void)
{
	bed_init(&bed, NULL);
}

static void teardown(void)
{
	bed_fini(&bed);
}

static void send_text(uint16_t port, const char *from, const char *to, const char *crlf)
{
	bed_make(&in, from, to, crlf, (uint32_t)strlen(crlf));
	bed_send(&bed, port, &in);
}

// A response as a backend makes it from the request in `out`.
static char *answer(const char *status)
{
	char *text = malloc(4096), *p = text;
	const char *line = out.payload;

	p += sprintf(p, "SIP/2.0 %s\r\n", status);
	for (line = strstr(line, "\r\n") + 2; strncmp(line, "\r\n", 2) != 0;
		line = strstr(line, "\r\n") + 2) {
		int len = (int)(strstr(line, "\r\n") - line);

		if (strncmp(line, "To:", 3) == 0)
			p += sprintf(p, "%.*s;tag=b\r\n", len, line);
		else if (strncmp(line, "Content", 7) != 0)
			p += sprintf(p, "%.*s\r\n", len, line);
	}
	strcpy(p, "Content-Length: 0\r\n\r\n");
	return text;
}

START_TEST(an_invite_reaches_the_backend_and_its_answer_the_caller)
{
	char *invite = bed_invite("198.51.100.10:5062", "one", 100), *ok;

	bed_publish(&bed, NULL);
	send_text(0, BED_CALLER4, FIXTURE_VIP4, invite);
	ck_assert(!bed_take(&bed, 0, &out));
	ck_assert(bed_take(&bed, 1, &out));
	ck_assert_uint_eq(out.dst_mac.addr_bytes[5], 0xb1);
	ck_assert_uint_eq(out.src_mac.addr_bytes[5], 0xa1);
	ck_assert_uint_eq(out.ttl, 64);
	ck_assert(endpoint_eq(&out.from, &(struct endpoint){0}) == false);
	ck_assert_uint_eq(out.from.port, 5060);
	ck_assert(strstr(out.payload, "\r\nVia: SIP/2.0/UDP 203.0.113.5:5060;branch=z9hG4bK"));
	ck_assert(strstr(out.payload, ";rport=5062;received=198.51.100.10\r\n"));
	ck_assert(strstr(out.payload, "\r\nMax-Forwards: 69\r\n"));
	// The body is what it was.
	ck_assert_str_eq(strstr(out.payload, "\r\n\r\n"), strstr(invite, "\r\n\r\n"));

	ok = answer("200 OK");
	send_text(1, FIXTURE_BACKEND4, FIXTURE_VIP4, ok);
	ck_assert(bed_take(&bed, 0, &out));
	ck_assert_uint_eq(out.to.port, 5062);
	ck_assert_uint_eq(out.dst_mac.addr_bytes[5], 0xb0);
	ck_assert_ptr_null(strstr(out.payload, "203.0.113.5:5060;branch"));
	ck_assert(strncmp(out.payload, "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.51.100.10:5062",
			  50) == 0);
	free(invite);
	free(ok);
}
END_TEST

START_TEST(a_call_over_ipv6)
{
	char *invite = bed_invite("[2001:db8:1::10]:5062", "six", 40), *ok;

	bed_publish(&bed, &(struct snapshot_fixture){.v6 = true});
	send_text(0, BED_CALLER6, FIXTURE_VIP6, invite);
	ck_assert(bed_take(&bed, 1, &out));
	ck_assert_uint_eq(out.to.ip.family, 6);
	ck_assert(strstr(out.payload, "Via: SIP/2.0/UDP [2001:db8:5::5]:5060;branch="));
	ok = answer("180 Ringing");
	send_text(1, FIXTURE_BACKEND6, FIXTURE_VIP6, ok);
	ck_assert(bed_take(&bed, 0, &out));
	free(invite);
	free(ok);
}
END_TEST

START_TEST(a_caller_on_ipv4_and_a_backend_on_ipv6)
{
	char *invite = bed_invite("198.51.100.10:5062", "mixed", 400);

	bed_publish(&bed,
		&(struct snapshot_fixture){
			.v6 = true, .flags = SERVICE_RECORD_ROUTE | SERVICE_REPLY_UNPARSABLE});
	send_text(0, BED_CALLER4, FIXTURE_VIP4, invite);
	ck_assert(bed_take(&bed, 1, &out));
	ck_assert_uint_eq(out.to.ip.family, 6);
	ck_assert_str_eq(strstr(out.payload, "\r\n\r\n"), strstr(invite, "\r\n\r\n"));
	free(invite);
}
END_TEST

START_TEST(messages_of_every_length_keep_their_body)
{
	bed_publish(&bed, &(struct snapshot_fixture){.flags = SERVICE_RECORD_ROUTE});
	// Around the limits of the headroom, of the buffer and of the MTU.
	for (unsigned int body = 0; body <= 1090; body += _i + 1) {
		char *invite = bed_invite("198.51.100.10:5062", "len", body);

		send_text(0, BED_CALLER4, FIXTURE_VIP4, invite);
		if (!bed_take(&bed, 1, &out))
			ck_abort_msg("body of %u", body);
		if (out.from.port != 0)
			ck_assert_str_eq(
				strstr(out.payload, "\r\n\r\n"), strstr(invite, "\r\n\r\n"));
		while (bed_take(&bed, 1, &out))
			;
		free(invite);
	}
}
END_TEST

START_TEST(more_than_the_mtu_leaves_in_fragments)
{
	char *invite = bed_invite("198.51.100.10:5062", "big", 1100);
	unsigned int nb = 0;

	bed_publish(&bed, &(struct snapshot_fixture){.flags = SERVICE_RECORD_ROUTE});
	send_text(0, BED_CALLER4, FIXTURE_VIP4, invite);
	for (; bed_take(&bed, 1, &out); nb++)
		ck_assert_uint_le(out.frame_len, 1500 + RTE_ETHER_HDR_LEN);
	ck_assert_uint_eq(nb, 2);
	ck_assert_uint_eq(bed.dp.workers[0].counters->fragmented, 1);
	free(invite);
}
END_TEST

// Cut the packet in `in` and put its parts into the queues of workers, last one first.
static void put_fragments(unsigned int nb, const uint16_t *workers)
{
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(in.frame + RTE_ETHER_HDR_LEN);
	uint32_t payload = rte_be_to_cpu_16(ip->total_length) - (uint32_t)sizeof(*ip);
	uint32_t chunk = RTE_ALIGN_CEIL((payload + nb - 1) / nb, 8);

	for (unsigned int i = nb; i-- > 0;) {
		static struct bed_packet part;
		struct rte_ipv4_hdr *header =
			(struct rte_ipv4_hdr *)(part.frame + RTE_ETHER_HDR_LEN);
		uint32_t off = i * chunk, len = RTE_MIN(chunk, payload - off);

		memcpy(part.frame, in.frame, RTE_ETHER_HDR_LEN + sizeof(*ip));
		memcpy(header + 1, in.frame + RTE_ETHER_HDR_LEN + sizeof(*ip) + off, len);
		header->total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + len));
		header->fragment_offset = rte_cpu_to_be_16(
			(uint16_t)(off / 8 | (i + 1 < nb ? RTE_IPV4_HDR_MF_FLAG : 0)));
		part.frame_len = RTE_ETHER_HDR_LEN + (uint32_t)sizeof(*ip) + len;
		bed_fix_ip(&part);
		bed_put(&bed, 0, workers[i], &part);
	}
}

START_TEST(fragments_become_a_message)
{
	static const uint16_t workers[8];
	unsigned int nb = (unsigned int)_i;
	char *invite = bed_invite("198.51.100.10:5062", "cut", 500 * nb), *end;
	uint32_t have = 0;

	bed_publish(&bed, NULL);
	bed_make(&in, BED_CALLER4, FIXTURE_VIP4, invite, (uint32_t)strlen(invite));
	put_fragments(nb, workers);
	bed_turn(&bed, 0);
	ck_assert_uint_eq(bed.dp.workers[0].counters->reassembled, 1);
	ck_assert_uint_eq(bed.dp.workers[0].counters->fragments, nb);
	while (bed_take(&bed, 1, &out))
		have += out.frame_len;
	end = strstr(invite, "\r\n\r\n");
	ck_assert_uint_gt(have, strlen(end));
	free(invite);
}
END_TEST

START_TEST(fragments_on_different_workers_meet)
{
	static const uint16_t workers[4] = {0, 1, 0, 1};
	char *invite = bed_invite("198.51.100.10:5062", "meet", 1000);

	bed_fini(&bed);
	bed_init(&bed, &(struct bed_options){.nb_workers = 2});
	bed_publish(&bed, NULL);
	bed_make(&in, BED_CALLER4, FIXTURE_VIP4, invite, (uint32_t)strlen(invite));
	// Several datagrams, so that both workers own some.
	for (uint16_t id = 0; id < 16; id++) {
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(in.frame + RTE_ETHER_HDR_LEN);

		ip->packet_id = rte_cpu_to_be_16(id);
		put_fragments(4, workers);
		for (unsigned int turn = 0; turn < 2; turn++) {
			bed_turn(&bed, 0);
			bed_turn(&bed, 1);
		}
		ck_assert_msg(bed_take(&bed, 1, &out), "datagram %u", id);
		ck_assert_str_eq(strstr(out.payload, "\r\n\r\n"), strstr(invite, "\r\n\r\n"));
	}
	ck_assert_uint_gt(bed.dp.workers[0].counters->reassembled, 0);
	ck_assert_uint_gt(bed.dp.workers[1].counters->reassembled, 0);
	// Two of the four parts of each came to the other worker.
	ck_assert_uint_eq(bed.dp.workers[0].counters->fragments_passed +
			bed.dp.workers[1].counters->fragments_passed,
		16 * 2);
	free(invite);
}
END_TEST

START_TEST(missing_fragments_expire)
{
	static const uint16_t workers[2];
	char *invite = bed_invite("198.51.100.10:5062", "lost", 1000);

	bed_publish(&bed, NULL);
	bed_make(&in, BED_CALLER4, FIXTURE_VIP4, invite, (uint32_t)strlen(invite));
	put_fragments(2, workers);
	// Take one of the two away again: the first that was put is the datagram's end.
	bed_turn(&bed, 0);
	ck_assert(bed_take(&bed, 1, &out));
	in.frame_len = 34 + 504;
	((struct rte_ipv4_hdr *)(in.frame + 14))->total_length = RTE_BE16(20 + 504);
	((struct rte_ipv4_hdr *)(in.frame + 14))->fragment_offset = RTE_BE16(RTE_IPV4_HDR_MF_FLAG);
	bed_fix_ip(&in);
	bed_send(&bed, 0, &in);
	ck_assert_uint_eq(rte_mempool_in_use_count(eal_large_pool), 1);
	bed.dp.clock.now_ms += 1001;
	bed_turn(&bed, 0);
	ck_assert_uint_eq(rte_mempool_in_use_count(eal_large_pool), 0);
	ck_assert_uint_eq(bed.dp.workers[0].counters->reassembly_expired, 1);
	free(invite);
}
END_TEST

START_TEST(a_refused_message_is_answered_to_its_source)
{
	char *bad = bed_crlf("INVITE sip:bob@example.com SIP/2.0\n"
			     "Via: SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKx;rport\n"
			     "From: <sip:a@example.com>;tag=1\n"
			     "To: <sip:b@example.com>\n"
			     "Call-ID: bad\n"
			     "CSeq: 1 BYE\n\n");
	const struct ipc_event *event;

	bed_publish(&bed, NULL);
	send_text(0, BED_CALLER4, FIXTURE_VIP4, bad);
	ck_assert(bed_take(&bed, 0, &out));
	ck_assert(strncmp(out.payload, "SIP/2.0 400 ", 12) == 0);
	ck_assert_uint_eq(out.to.port, 5062);
	event = ipc_ring_peek(bed.dp.workers[0].events, IPC_EVENT_SLOTS, IPC_EVENT_SIZE);
	ck_assert_ptr_nonnull(event);
	ck_assert_uint_eq(event->type, IPC_EVENT_REJECT);
	ck_assert_uint_eq(event->reject.reason, SIP_CSEQ_MISMATCH);
	ck_assert_uint_eq(event->reject.message_len, strlen(bad));
	free(bad);
}
END_TEST

START_TEST(nothing_is_sent_without_a_snapshot)
{
	char *invite = bed_invite("198.51.100.10:5062", "early", 0);

	send_text(0, BED_CALLER4, FIXTURE_VIP4, invite);
	ck_assert(!bed_take(&bed, 0, &out));
	ck_assert(!bed_take(&bed, 1, &out));
	ck_assert_uint_eq(bed_drops(&bed, DROP_NOT_READY), 1);
	free(invite);
}
END_TEST

START_TEST(an_unknown_neighbour_is_asked_for_and_then_served)
{
	const struct rte_ether_addr mac = {{2, 0, 0, 0, 0, 0xc1}};
	struct endpoint backend = fixture_endpoint("10.20.1.77:5060");
	char *invite = bed_invite("198.51.100.10:5062", "arp", 0);
	const struct ipc_event *event;

	bed_publish(&bed, &(struct snapshot_fixture){.backend = "10.20.1.77:5060"});
	send_text(0, BED_CALLER4, FIXTURE_VIP4, invite);
	ck_assert(!bed_take(&bed, 1, &out));
	ck_assert_uint_eq(hold_count(bed.dp.workers[0].holds), 1);
	event = ipc_ring_peek(bed.dp.workers[0].events, IPC_EVENT_SLOTS, IPC_EVENT_SIZE);
	ck_assert_ptr_nonnull(event);
	ck_assert_uint_eq(event->type, IPC_EVENT_NEIGHBOUR);
	ck_assert_uint_eq(event->neighbour.port, 1);
	ck_assert(ip_addr_eq(&event->neighbour.ip, &backend.ip));

	neighbour_set(bed.dp.neighbours, 1, &backend.ip, &mac);
	bed_turn(&bed, 0);
	ck_assert(bed_take(&bed, 1, &out));
	ck_assert(rte_is_same_ether_addr(&out.dst_mac, &mac));
	ck_assert_uint_eq(hold_count(bed.dp.workers[0].holds), 0);
	free(invite);
}
END_TEST

START_TEST(an_unknown_neighbour_costs_few_packets_and_not_for_long)
{
	char *invite = bed_invite("198.51.100.10:5062", "arp", 0);

	bed_publish(&bed, &(struct snapshot_fixture){.backend = "10.20.1.77:5060"});
	for (unsigned int i = 0; i < HOLD_PACKETS + 5; i++)
		send_text(0, BED_CALLER4, FIXTURE_VIP4, invite);
	ck_assert_uint_eq(bed_drops(&bed, DROP_NEIGHBOUR), 5);
	bed.dp.clock.now_ms += HOLD_MS + 1;
	bed_turn(&bed, 0);
	ck_assert_uint_eq(bed_drops(&bed, DROP_NEIGHBOUR), HOLD_PACKETS + 5);
	ck_assert_uint_eq(rte_mempool_in_use_count(eal_pool), 0);
	free(invite);
}
END_TEST

// A backend calls somebody by name.
static char *outbound(void)
{
	return bed_crlf("INVITE sip:carol@Far.example.net SIP/2.0\n"
			"Via: SIP/2.0/UDP 10.20.1.1:5060;branch=z9hG4bKout;rport\n"
			"Max-Forwards: 70\n"
			"From: <sip:a@example.com>;tag=1\n"
			"To: <sip:carol@far.example.net>\n"
			"Call-ID: out\n"
			"CSeq: 1 INVITE\n"
			"Content-Length: 0\n\n");
}

START_TEST(a_name_is_asked_for_and_then_followed)
{
	struct endpoint caller = fixture_endpoint(BED_CALLER4);
	char *invite = outbound();
	const struct ipc_event *event;
	uint64_t hash;

	bed_publish(&bed, NULL);
	send_text(1, FIXTURE_BACKEND4, FIXTURE_VIP4, invite);
	ck_assert(!bed_take(&bed, 0, &out));
	event = ipc_ring_peek(bed.dp.workers[0].events, IPC_EVENT_SLOTS, IPC_EVENT_SIZE);
	ck_assert_ptr_nonnull(event);
	ck_assert_uint_eq(event->type, IPC_EVENT_RESOLVE);
	ck_assert_str_eq(event->resolve.host, "Far.example.net");
	ck_assert_uint_eq(event->resolve.port, 0);
	ck_assert_uint_eq(event->resolve.families, 3);

	hash = name_hash(bed.dp.names, STRV("far.EXAMPLE.net"), 0);
	name_set(bed.dp.names, hash, &caller, bed.dp.clock.now_ms + 5000);
	bed_turn(&bed, 0);
	ck_assert(bed_take(&bed, 0, &out));
	ck_assert(strncmp(out.payload, "INVITE sip:carol@Far.example.net", 32) == 0);
	ck_assert_uint_eq(out.to.port, 5062);
	// Known by now: the next one does not wait.
	send_text(1, FIXTURE_BACKEND4, FIXTURE_VIP4, invite);
	ck_assert(bed_take(&bed, 0, &out));
	free(invite);
}
END_TEST

START_TEST(a_name_that_leads_nowhere_has_an_end)
{
	char *invite = outbound();

	bed_publish(&bed, NULL);
	send_text(1, FIXTURE_BACKEND4, FIXTURE_VIP4, invite);
	bed.dp.clock.now_ms += 2001;
	bed_turn(&bed, 0);
	ck_assert(!bed_take(&bed, 0, &out));
	ck_assert(bed_take(&bed, 1, &out));
	ck_assert_int_eq(strncmp(out.payload, "SIP/2.0 500 ", 12), 0);
	ck_assert_uint_eq(rte_mempool_in_use_count(eal_pool), 0);
	free(invite);
}
END_TEST

START_TEST(a_register_tells_the_binding)
{
	char *text = bed_crlf("REGISTER sip:example.com SIP/2.0\n"
			      "Via: SIP/2.0/UDP 198.51.100.10:5062;branch=z9hG4bKreg;rport\n"
			      "Max-Forwards: 70\n"
			      "From: <sip:alice@example.com>;tag=1\n"
			      "To: <sip:alice@example.com>\n"
			      "Call-ID: reg\n"
			      "CSeq: 1 REGISTER\n"
			      "Contact: <sip:alice@198.51.100.10:5062>;expires=120\n"
			      "Content-Length: 0\n\n");
	const struct ipc_event *event;
	char *ok;

	bed_publish(&bed, NULL);
	send_text(0, BED_CALLER4, FIXTURE_VIP4, text);
	ck_assert(bed_take(&bed, 1, &out));
	ok = answer("200 OK");
	send_text(1, FIXTURE_BACKEND4, FIXTURE_VIP4, ok);
	ck_assert(bed_take(&bed, 0, &out));
	event = ipc_ring_peek(bed.dp.workers[0].events, IPC_EVENT_SLOTS, IPC_EVENT_SIZE);
	ck_assert_ptr_nonnull(event);
	ck_assert_uint_eq(event->type, IPC_EVENT_BINDING);
	ck_assert_uint_eq(event->binding.expires_s, 120);
	ck_assert_uint_eq(event->binding.backend_id, backend_id("access", "b0000"));
	ck_assert_int_eq(memcmp(event->binding.octets,
				 "aliceexample.com"
				 "sip:alice@198.51.100.10:5062",
				 44),
		0);
	ck_assert_uint_eq(event->binding.user_len, 5);
	ck_assert_uint_eq(event->binding.host_len, 11);
	ck_assert_uint_eq(event->binding.contact_len, 28);
	ck_assert_uint_eq(event->binding.flow.port, 5062);
	free(text);
	free(ok);
}
END_TEST

START_TEST(a_registration_of_a_backend_elsewhere_tells_no_binding)
{
	char *text = bed_crlf("REGISTER sip:198.51.100.10:5062 SIP/2.0\n"
			      "Via: SIP/2.0/UDP 10.20.1.1:5060;branch=z9hG4bKreg;rport\n"
			      "Max-Forwards: 70\n"
			      "From: <sip:alice@example.com>;tag=1\n"
			      "To: <sip:alice@example.com>\n"
			      "Call-ID: reg\n"
			      "CSeq: 1 REGISTER\n"
			      "Contact: <sip:alice@10.20.1.1>;expires=120\n"
			      "Content-Length: 0\n\n");
	char *ok;

	bed_publish(&bed, NULL);
	send_text(1, FIXTURE_BACKEND4, FIXTURE_VIP4, text);
	ck_assert(bed_take(&bed, 0, &out));
	ok = answer("200 OK");
	send_text(0, BED_CALLER4, FIXTURE_VIP4, ok);
	ck_assert(bed_take(&bed, 1, &out));
	ck_assert_ptr_null(
		ipc_ring_peek(bed.dp.workers[0].events, IPC_EVENT_SLOTS, IPC_EVENT_SIZE));
	free(text);
	free(ok);
}
END_TEST

START_TEST(a_source_has_a_rate)
{
	char *invite = bed_invite("198.51.100.10:5062", "rate", 0);
	unsigned int nb = 0;

	bed_publish(&bed, &(struct snapshot_fixture){.source_rate = 10});
	for (unsigned int i = 0; i < 25; i++)
		send_text(0, BED_CALLER4, FIXTURE_VIP4, invite);
	for (; bed_take(&bed, 1, &out); nb++)
		;
	ck_assert_uint_eq(nb, 10);
	ck_assert_uint_eq(bed_drops(&bed, DROP_RATE_SOURCE), 15);
	bed.dp.clock.now_ms += 500;
	send_text(0, BED_CALLER4, FIXTURE_VIP4, invite);
	ck_assert(bed_take(&bed, 1, &out));
	free(invite);
}
END_TEST

START_TEST(an_access_list_keeps_callers_out)
{
	char *invite = bed_invite("198.51.100.10:5062", "acl", 0);

	bed_publish(&bed, &(struct snapshot_fixture){.deny_callers = true});
	send_text(0, BED_CALLER4, FIXTURE_VIP4, invite);
	ck_assert(!bed_take(&bed, 1, &out));
	ck_assert_uint_eq(bed_drops(&bed, DROP_ACL), 1);
	free(invite);
}
END_TEST

START_TEST(a_message_of_control_leaves_from_its_listener)
{
	struct ipc_inject *inject =
		ipc_ring_reserve(bed.dp.workers[0].inject, IPC_INJECT_SLOTS, IPC_INJECT_SIZE);
	struct endpoint vip = fixture_endpoint(FIXTURE_VIP4);

	bed_publish(&bed, NULL);
	*inject = (struct ipc_inject){.listener_id = listener_id(&vip),
		.len = 5,
		.to = fixture_endpoint(FIXTURE_BACKEND4)};
	memcpy(inject->octets, "hello", 5);
	ipc_ring_push(bed.dp.workers[0].inject);
	bed_turn(&bed, 0);
	ck_assert(bed_take(&bed, 1, &out));
	ck_assert_str_eq(out.payload, "hello");
	ck_assert_uint_eq(out.from.port, 5060);
	ck_assert_uint_eq(bed.dp.workers[0].counters->injected, 1);
}
END_TEST

START_TEST(garbage_of_control_is_not_sent)
{
	uint32_t seed = (uint32_t)_i * 2654435761u + 1;

	bed_publish(&bed, NULL);
	for (unsigned int n = 0; n < 200; n++) {
		uint8_t *record = ipc_ring_reserve(
			bed.dp.workers[0].inject, IPC_INJECT_SLOTS, IPC_INJECT_SIZE);

		for (unsigned int i = 0; i < IPC_INJECT_SIZE; i++)
			record[i] = (uint8_t)((seed = seed * 1103515245u + 12345u) >> 16);
		ipc_ring_push(bed.dp.workers[0].inject);
	}
	for (unsigned int i = 0; i < 20; i++)
		bed_turn(&bed, 0);
	ck_assert(!bed_take(&bed, 1, &out));
	ck_assert(!bed_take(&bed, 0, &out));
}
END_TEST

// What comes from the ring towards the kernel, as an IPv4 packet of its own or a part of one.
START_TEST(a_large_datagram_for_the_kernel_is_cut_again)
{
	static const uint16_t workers[3];
	static char text[3000];
	uint32_t have = 0, nb = 0, last = 0;

	memset(text, 'k', sizeof(text));
	bed_publish(&bed, NULL);
	// Our address, but nobody's port.
	bed_make(&in, BED_CALLER4, "203.0.113.5:5999", text, sizeof(text));
	put_fragments(3, workers);
	bed_turn(&bed, 0);
	ck_assert_uint_eq(bed.dp.workers[0].counters->reassembled, 1);
	for (; bed_take_punt(&bed, &out); nb++) {
		const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(out.frame + 14);
		uint16_t field = rte_be_to_cpu_16(ip->fragment_offset);

		ck_assert_uint_le(out.frame_len, 1514);
		ck_assert_uint_eq(ip->packet_id, RTE_BE16(77));
		ck_assert_uint_eq((field & RTE_IPV4_HDR_OFFSET_MASK) * 8u, have);
		have += rte_be_to_cpu_16(ip->total_length) - 20u;
		last += (field & RTE_IPV4_HDR_MF_FLAG) == 0;
	}
	ck_assert_uint_eq(have, sizeof(text) + 8);
	ck_assert_uint_eq(nb, 3);
	ck_assert_uint_eq(last, 1);
	ck_assert_uint_eq(bed.dp.workers[0].counters->twin_fragmented, 1);
	ck_assert_uint_eq(bed.dp.workers[0].counters->to_twin, 3);
}
END_TEST

START_TEST(what_a_twin_does_not_take_is_counted)
{
	struct ipc_worker_counters *counters = bed.dp.workers[0].counters;

	// The other port stands for the kernel's device: it has room for 255 frames.
	bed.dp.ports[0].twin_id = bed.dp.ports[1].id;
	bed_publish(&bed, NULL);
	bed_make(&in, BED_CALLER4, "203.0.113.5:5999", "x", 1);
	for (unsigned int i = 0; i < 300; i++) {
		bed_send(&bed, 0, &in);
		twin_exchange(bed.dp.workers, 1);
	}
	ck_assert_uint_eq(counters->to_twin, 300);
	ck_assert_uint_eq(counters->to_twin_lost, 45);
}
END_TEST

START_TEST(frames_of_the_kernel_are_counted_apart)
{
	struct ipc_worker_counters *counters = bed.dp.workers[0].counters;
	char *invite = bed_invite("198.51.100.10:5062", "apart", 0);

	bed.dp.ports[0].twin_id = bed.dp.ports[1].id;
	bed.dp.ports[1].twin_id = PORT_NO_TWIN;
	bed_publish(&bed, NULL);
	bed_make(&in, BED_CALLER4, FIXTURE_BACKEND4, "x", 1);
	for (unsigned int i = 0; i < 5; i++)
		bed_put(&bed, 1, 0, &in);
	twin_exchange(bed.dp.workers, 1);
	send_text(0, BED_CALLER4, FIXTURE_VIP4, invite);
	ck_assert_uint_eq(counters->from_twin, 5);
	ck_assert_uint_eq(counters->tx_packets, 1);
	ck_assert(bed_take(&bed, 1, &out));
	free(invite);
}
END_TEST

START_TEST(drops_on_the_way_out_are_the_services)
{
	char *invite = bed_invite("198.51.100.10:5062", "service", 0);
	const struct ipc_worker_counters *counters = bed.dp.workers[0].counters;
	uint16_t slot;

	bed_publish(&bed, &(struct snapshot_fixture){.backend = "10.20.1.77:5060"});
	slot = snapshot_service(bed.published->snap, 0)->counter;
	// Nobody knows the backend's Ethernet address.
	send_text(0, BED_CALLER4, FIXTURE_VIP4, invite);
	bed.dp.clock.now_ms += HOLD_MS + 1;
	bed_turn(&bed, 0);
	ck_assert_uint_eq(counters->services[slot].drops[DROP_NEIGHBOUR], 1);
	ck_assert_uint_eq(counters->drops[DROP_NEIGHBOUR], 0);

	bed_publish(&bed, NULL);
	for (unsigned int i = 0; i < 256; i++)
		send_text(0, BED_CALLER4, FIXTURE_VIP4, invite);
	ck_assert_uint_eq(counters->services[slot].drops[DROP_TX_FULL], 1);
	ck_assert_uint_eq(counters->drops[DROP_TX_FULL], 0);
	free(invite);
}
END_TEST

START_TEST(transactions_are_counted)
{
	const struct ipc_worker_counters *counters = bed.dp.workers[0].counters;
	char id[32];

	bed_publish(&bed, NULL);
	for (unsigned int i = 0; i < 2000; i++) {
		char *invite;

		// 1,024 entries: most of the second thousand finds no room.
		snprintf(id, sizeof(id), "t%u", i);
		invite = bed_invite("198.51.100.10:5062", id, 0);
		send_text(0, BED_CALLER4, FIXTURE_VIP4, invite);
		ck_assert(bed_take(&bed, 1, &out));
		if (i == 0) {
			ck_assert_uint_eq(counters->txn_misses, 1);
			send_text(0, BED_CALLER4, FIXTURE_VIP4, invite);
			ck_assert(bed_take(&bed, 1, &out));
			ck_assert_uint_eq(counters->txn_hits, 1);
		}
		free(invite);
	}
	ck_assert_uint_eq(counters->txn_misses, 2000);
	ck_assert_uint_eq(counters->txn_hits, 1);
	ck_assert_uint_ge(counters->txn_full, 2000 - 1024);
}
END_TEST

START_TEST(latency_is_that_of_each_burst)
{
	struct worker *w = &bed.dp.workers[0];
	uint64_t seen = 0;
	char *invite = bed_invite("198.51.100.10:5062", "time", 0);

	bed_publish(&bed, NULL);
	for (unsigned int i = 0; i < 40; i++) {
		bed_make(&in, BED_CALLER4, FIXTURE_VIP4, invite, (uint32_t)strlen(invite));
		bed_put(&bed, 0, 0, &in);
	}
	w->tsc = rte_rdtsc();
	for (unsigned int done = 0; done < 40; done += BURST_MAX)
		bed_turn(&bed, 0);
	for (unsigned int i = 0; i < IPC_LATENCY_SLOTS; i++)
		seen += w->counters->latency[i];
	ck_assert_uint_eq(seen, 40);
	ck_assert_uint_gt(w->counters->latency_cycles, 0);
	worker_record(w, 3, w->tsc + 1000);
	ck_assert_uint_ge(w->counters->latency[ipc_latency_slot(1000)], 3);
	free(invite);
}
END_TEST

START_TEST(a_path_mtu_is_honoured)
{
	char *invite = bed_invite("198.51.100.10:5062", "pmtu", 900);
	struct endpoint backend = fixture_endpoint(FIXTURE_BACKEND4);
	unsigned int nb = 0;

	bed_publish(&bed, NULL);
	send_text(0, BED_CALLER4, FIXTURE_VIP4, invite);
	ck_assert(bed_take(&bed, 1, &out));
	pmtu_learn(&bed.dp.pmtus, &backend.ip, 600, bed.dp.clock.now_ms);
	send_text(0, BED_CALLER4, FIXTURE_VIP4, invite);
	for (; bed_take(&bed, 1, &out); nb++)
		ck_assert_uint_le(out.frame_len, 600 + RTE_ETHER_HDR_LEN);
	ck_assert_uint_eq(nb, 3);
	// It is forgotten again.
	bed.dp.clock.now_ms += (PMTU_LIFETIME_S + 1) * 1000;
	send_text(0, BED_CALLER4, FIXTURE_VIP4, invite);
	ck_assert(bed_take(&bed, 1, &out));
	ck_assert(!bed_take(&bed, 1, &out));
	free(invite);
}
END_TEST

START_TEST(every_drop_frees_its_mbuf_when_the_port_is_full)
{
	char *invite = bed_invite("198.51.100.10:5062", "full", 0);

	bed_publish(&bed, NULL);
	// The ring of the port has room for 255.
	for (unsigned int i = 0; i < 300; i++)
		send_text(0, BED_CALLER4, FIXTURE_VIP4, invite);
	ck_assert_uint_eq(bed_drops(&bed, DROP_TX_FULL), 45);
	free(invite);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worker");
	TCase *tcase = tcase_create("worker");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, an_invite_reaches_the_backend_and_its_answer_the_caller);
	tcase_add_test(tcase, a_call_over_ipv6);
	tcase_add_test(tcase, a_caller_on_ipv4_and_a_backend_on_ipv6);
	tcase_add_loop_test(tcase, messages_of_every_length_keep_their_body, 0, 3);
	tcase_add_test(tcase, more_than_the_mtu_leaves_in_fragments);
	tcase_add_loop_test(tcase, fragments_become_a_message, 2, 9);
	tcase_add_test(tcase, fragments_on_different_workers_meet);
	tcase_add_test(tcase, missing_fragments_expire);
	tcase_add_test(tcase, a_refused_message_is_answered_to_its_source);
	tcase_add_test(tcase, nothing_is_sent_without_a_snapshot);
	tcase_add_test(tcase, an_unknown_neighbour_is_asked_for_and_then_served);
	tcase_add_test(tcase, an_unknown_neighbour_costs_few_packets_and_not_for_long);
	tcase_add_test(tcase, a_name_is_asked_for_and_then_followed);
	tcase_add_test(tcase, a_name_that_leads_nowhere_has_an_end);
	tcase_add_test(tcase, a_register_tells_the_binding);
	tcase_add_test(tcase, a_registration_of_a_backend_elsewhere_tells_no_binding);
	tcase_add_test(tcase, a_source_has_a_rate);
	tcase_add_test(tcase, an_access_list_keeps_callers_out);
	tcase_add_test(tcase, a_message_of_control_leaves_from_its_listener);
	tcase_add_loop_test(tcase, garbage_of_control_is_not_sent, 0, 4);
	tcase_add_test(tcase, a_large_datagram_for_the_kernel_is_cut_again);
	tcase_add_test(tcase, what_a_twin_does_not_take_is_counted);
	tcase_add_test(tcase, frames_of_the_kernel_are_counted_apart);
	tcase_add_test(tcase, drops_on_the_way_out_are_the_services);
	tcase_add_test(tcase, transactions_are_counted);
	tcase_add_test(tcase, latency_is_that_of_each_burst);
	tcase_add_test(tcase, a_path_mtu_is_honoured);
	tcase_add_test(tcase, every_drop_frees_its_mbuf_when_the_port_is_full);
	suite_add_tcase(suite, tcase);
	return eal_run_suite(suite);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "tests/dataplane/bed.h"

#include "dataplane/frame.h"
#include "tests/dataplane/eal.h"

#include <rte_eth_ring.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include <stdio.h>
#include <stdlib.h>

#define QUEUES_MAX 4

static const struct rte_ether_addr port_macs[2] = {
	{{0x02, 0, 0, 0, 0, 0xa0}}, {{0x02, 0, 0, 0, 0, 0xa1}}};
static const struct rte_ether_addr peer_macs[2] = {
	{{0x02, 0, 0, 0, 0, 0xb0}}, {{0x02, 0, 0, 0, 0, 0xb1}}};

static struct rte_ring *rx[2][QUEUES_MAX], *tx[2][QUEUES_MAX];
static uint16_t port_ids[2];

// Ports stay for the whole program: net_ring devices cannot be made twice under one name.
static void make_ports(void)
{
	static bool made;

	for (unsigned int p = 0; p < 2 && !made; p++) {
		struct rte_eth_conf conf = {0};
		char name[32];
		int id;

		for (unsigned int q = 0; q < QUEUES_MAX; q++) {
			snprintf(name, sizeof(name), "bed_rx_%u_%u", p, q);
			rx[p][q] = rte_ring_create(name, 256, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
			snprintf(name, sizeof(name), "bed_tx_%u_%u", p, q);
			tx[p][q] = rte_ring_create(name, 256, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
		}
		snprintf(name, sizeof(name), "bed%u", p);
		id = rte_eth_from_rings(name, rx[p], QUEUES_MAX, tx[p], QUEUES_MAX, 0);
		ck_assert_int_ge(id, 0);
		port_ids[p] = (uint16_t)id;
		ck_assert_int_eq(
			rte_eth_dev_configure(port_ids[p], QUEUES_MAX, QUEUES_MAX, &conf), 0);
		for (uint16_t q = 0; q < QUEUES_MAX; q++) {
			ck_assert_int_eq(
				rte_eth_rx_queue_setup(port_ids[p], q, 64, 0, NULL, eal_pool), 0);
			ck_assert_int_eq(rte_eth_tx_queue_setup(port_ids[p], q, 64, 0, NULL), 0);
		}
		ck_assert_int_eq(rte_eth_dev_start(port_ids[p]), 0);
	}
	made = true;
}

static void add_neighbour(struct bed *bed, uint16_t port, const char *text)
{
	struct endpoint ep = fixture_endpoint(text);

	ck_assert_int_eq(neighbour_set(bed->dp.neighbours, port, &ep.ip, &peer_macs[port]), 0);
}

void bed_init(struct bed *bed, const struct bed_options *options)
{
	static const struct bed_options defaults;
	const struct bed_options *o = options != NULL ? options : &defaults;
	struct dataplane *dp = &bed->dp;
	char text[256];

	memset(bed, 0, sizeof(*bed));
	make_ports();
	dataplane_init(dp);
	dp->start = (struct ipc_start){
		.nb_workers = o->nb_workers != 0 ? o->nb_workers : 1,
		.txn_entries = 1024,
		.bindings_max = o->bindings_max,
		.reassembly_flows = 8,
		.reassembly_per_source = 4,
		.reassembly_timeout_ms =
			o->reassembly_timeout_ms != 0 ? o->reassembly_timeout_ms : 1000,
	};
	for (uint16_t i = 0; i < 2; i++) {
		// A twin that is no device: what workers hand to it waits in their ring.
		dp->ports[i] = (struct port){.id = port_ids[i],
			.twin_id = 0,
			.mtu = 1500,
			.link_up = true,
			.mac = port_macs[i]};
		snprintf(dp->ports[i].name, sizeof(dp->ports[i].name), "bed%u", i);
	}
	dp->nb_ports = 2;
	dp->pool = eal_pool;
	dp->large = eal_large_pool;
	dp->clock.now_ms = 1000000;
	ck_assert_msg(dataplane_start_workers(dp, text, sizeof(text)) == 0, "%s", text);
	dp->state = IPC_RUNNING;
	for (uint16_t i = 0; i < dp->nb_workers; i++)
		rte_rcu_qsbr_thread_online(dp->qsbr, i);
	add_neighbour(bed, 0, BED_CALLER4);
	add_neighbour(bed, 0, BED_CALLER6);
	add_neighbour(bed, 1, FIXTURE_BACKEND4);
	add_neighbour(bed, 1, FIXTURE_BACKEND6);
}

static void empty(struct rte_ring *ring)
{
	void *m;

	while (rte_ring_dequeue(ring, &m) == 0)
		rte_pktmbuf_free(m);
}

void bed_fini(struct bed *bed)
{
	for (unsigned int p = 0; p < 2; p++)
		for (unsigned int q = 0; q < QUEUES_MAX; q++) {
			empty(rx[p][q]);
			empty(tx[p][q]);
		}
	for (uint16_t i = 0; i < bed->dp.nb_workers; i++)
		rte_rcu_qsbr_thread_offline(bed->dp.qsbr, i);
	// The ports and pools are the program's, not the dataplane's.
	for (unsigned int i = 0; i < 2; i++)
		bed->dp.ports[i] = (struct port){.id = RTE_MAX_ETHPORTS, .twin_id = PORT_NO_TWIN};
	bed->dp.pool = bed->dp.large = NULL;
	dataplane_stop(&bed->dp);
	ck_assert_uint_eq(rte_mempool_in_use_count(eal_pool), 0);
	ck_assert_uint_eq(rte_mempool_in_use_count(eal_large_pool), 0);
}

void bed_publish(struct bed *bed, const struct snapshot_fixture *fixture)
{
	static const struct snapshot_fixture defaults;
	struct snapshot *snap = snapshot_fixture_build(fixture != NULL ? fixture : &defaults);
	const char *why;

	bed->published = published_from_blob(snap, snap->size, NULL, &why);
	ck_assert_msg(bed->published != NULL, "%s", why);
	publisher_swap(&bed->dp.publisher, bed->published);
	free(snap);
}

static void make_v4(struct bed_packet *p, uint32_t udp_len)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(p->frame + RTE_ETHER_HDR_LEN);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);

	*ip = (struct rte_ipv4_hdr){.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + udp_len)),
		.packet_id = RTE_BE16(77),
		.time_to_live = 60,
		.next_proto_id = IPPROTO_UDP};
	memcpy(&ip->src_addr, p->from.ip.octets, 4);
	memcpy(&ip->dst_addr, p->to.ip.octets, 4);
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	udp->dgram_cksum = rte_ipv4_udptcp_cksum(ip, udp);
}

static void make_v6(struct bed_packet *p, uint32_t udp_len)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)(p->frame + RTE_ETHER_HDR_LEN);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);

	*ip = (struct rte_ipv6_hdr){.vtc_flow = RTE_BE32(6u << 28),
		.payload_len = rte_cpu_to_be_16((uint16_t)udp_len),
		.proto = IPPROTO_UDP,
		.hop_limits = 60};
	memcpy(&ip->src_addr, p->from.ip.octets, 16);
	memcpy(&ip->dst_addr, p->to.ip.octets, 16);
	udp->dgram_cksum = rte_ipv6_udptcp_cksum(ip, udp);
}

void bed_make(
	struct bed_packet *p, const char *from, const char *to, const void *payload, uint32_t len)
{
	struct rte_ether_hdr *ether = (struct rte_ether_hdr *)p->frame;
	uint32_t udp_len = len + (uint32_t)sizeof(struct rte_udp_hdr), l3_len;
	struct rte_udp_hdr *udp;

	p->from = fixture_endpoint(from);
	p->to = fixture_endpoint(to);
	l3_len = p->to.ip.family == 4 ? 20 : 40;
	udp = (struct rte_udp_hdr *)(p->frame + RTE_ETHER_HDR_LEN + l3_len);
	*udp = (struct rte_udp_hdr){.src_port = rte_cpu_to_be_16(p->from.port),
		.dst_port = rte_cpu_to_be_16(p->to.port),
		.dgram_len = rte_cpu_to_be_16((uint16_t)udp_len)};
	memcpy(udp + 1, payload, len);
	if (p->to.ip.family == 4)
		make_v4(p, udp_len);
	else
		make_v6(p, udp_len);
	ether->ether_type = p->to.ip.family == 4 ? RTE_BE16(RTE_ETHER_TYPE_IPV4)
						 : RTE_BE16(RTE_ETHER_TYPE_IPV6);
	p->frame_len = RTE_ETHER_HDR_LEN + l3_len + udp_len;
}

void bed_fix_ip(struct bed_packet *p)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(p->frame + RTE_ETHER_HDR_LEN);

	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

void bed_put(struct bed *bed, uint16_t port, uint16_t worker, const struct bed_packet *p)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(p->frame_len <= 2000 ? eal_pool : eal_large_pool);
	struct rte_ether_hdr *ether;

	(void)bed;
	ck_assert_ptr_nonnull(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)p->frame_len), p->frame, p->frame_len);
	ether = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	// A test that wants another destination has written it.
	if (m->data_len >= sizeof(*ether) && rte_is_zero_ether_addr(&ether->dst_addr)) {
		ether->dst_addr = port_macs[port];
		ether->src_addr = peer_macs[port];
	}
	ck_assert_int_eq(rte_ring_enqueue(rx[port][worker], m), 0);
}

void bed_turn(struct bed *bed, uint16_t worker)
{
	worker_turn(&bed->dp.workers[worker]);
}

void bed_send(struct bed *bed, uint16_t port, const struct bed_packet *p)
{
	bed_put(bed, port, 0, p);
	bed_turn(bed, 0);
}

// What goes to the kernel may be wrong in any way; what we send may not.
static void take_apart(struct rte_mbuf *m, struct bed_packet *p, bool ours)
{
	const char *octets = rte_pktmbuf_mtod(m, const char *);
	struct frame f;

	memset(p, 0, sizeof(*p));
	ck_assert_uint_eq(m->nb_segs, 1);
	p->frame_len = m->data_len;
	memcpy(p->frame, octets, m->data_len);
	memcpy(&p->dst_mac, p->frame, RTE_ETHER_ADDR_LEN);
	memcpy(&p->src_mac, p->frame + RTE_ETHER_ADDR_LEN, RTE_ETHER_ADDR_LEN);
	if (frame_parse(m, &f) != 0 || !f.is_ip) {
		ck_assert(!ours);
		return;
	}
	p->from.ip = f.src;
	p->to.ip = f.dst;
	if (f.family == 4) {
		ck_assert(!ours || frame_ip_checksum_ok(m));
		p->ttl = p->frame[RTE_ETHER_HDR_LEN + 8];
	} else {
		p->ttl = p->frame[RTE_ETHER_HDR_LEN + 7];
	}
	if (f.is_fragment || f.proto != IPPROTO_UDP || !ours)
		return;
	ck_assert(frame_udp_checksum_ok(m, &f, f.l4_len));
	p->from.port = (uint16_t)(p->frame[f.l4_off] << 8 | p->frame[f.l4_off + 1]);
	p->to.port = (uint16_t)(p->frame[f.l4_off + 2] << 8 | p->frame[f.l4_off + 3]);
	p->payload_len = f.l4_len - 8;
	memcpy(p->payload, p->frame + f.l4_off + 8, p->payload_len);
}

bool bed_take(struct bed *bed, uint16_t port, struct bed_packet *p)
{
	void *m;

	for (uint16_t q = 0; q < bed->dp.nb_workers; q++) {
		if (rte_ring_dequeue(tx[port][q], &m) != 0)
			continue;
		take_apart(m, p, true);
		rte_pktmbuf_free(m);
		return true;
	}
	return false;
}

bool bed_take_punt(struct bed *bed, struct bed_packet *p)
{
	void *m;

	if (rte_ring_dequeue(bed->dp.workers[0].to_twin, &m) != 0)
		return false;
	take_apart(m, p, false);
	rte_pktmbuf_free(m);
	return true;
}

uint64_t bed_drops(const struct bed *bed, enum drop_reason reason)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < bed->dp.nb_workers; i++) {
		const struct ipc_worker_counters *counters = bed->dp.workers[i].counters;

		sum += counters->drops[reason];
		for (unsigned int s = 0; s < IPC_SERVICE_SLOTS; s++)
			sum += counters->services[s].drops[reason];
	}
	return sum;
}

char *bed_crlf(const char *text)
{
	char *out = malloc(2 * strlen(text) + 1), *p = out;

	for (; *text != '\0'; text++) {
		if (*text == '\n')
			*p++ = '\r';
		*p++ = *text;
	}
	*p = '\0';
	return out;
}

char *bed_invite(const char *via, const char *call_id, unsigned int body)
{
	char *text = malloc(1024 + body), *out;
	size_t len;

	snprintf(text, 1024,
		"INVITE sip:bob@example.com SIP/2.0\n"
		"Via: SIP/2.0/UDP %s;branch=z9hG4bK%s;rport\n"
		"Max-Forwards: 70\n"
		"From: <sip:alice@example.com>;tag=1\n"
		"To: <sip:bob@example.com>\n"
		"Call-ID: %s\n"
		"CSeq: 1 INVITE\n"
		"Contact: <sip:alice@%s>\n"
		"Content-Type: application/sdp\n"
		"Content-Length: %u\n\n",
		via, call_id, call_id, via, body);
	out = bed_crlf(text);
	free(text);
	len = strlen(out);
	out = realloc(out, len + body + 1);
	for (unsigned int i = 0; i < body; i++)
		out[len + i] = (char)('a' + i % 26);
	out[len + body] = '\0';
	return out;
}

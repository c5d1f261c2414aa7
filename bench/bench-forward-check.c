// SPDX-License-Identifier: BSD-3-Clause
#include "bench/bench-forward-check.h"

#include "bench/bench-forward-frames.h"
#include "dataplane/dispatch/token.h"

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include <stdio.h>
#include <stdlib.h>

// One message that came out, beside the one that went in.
struct pair {
	struct forward_check *check;
	const struct forward_message *in;
	struct sip_msg before, after;
	struct endpoint from, to; // of the datagram
	const struct snapshot_backend *backend; // that has the address `to`, or NULL
	uint64_t digest; // of the Call-ID
};

static bool wrong(struct forward_check *check, const char *why)
{
	if (check->nb_wrong++ == 0)
		snprintf(check->why, sizeof(check->why), "%s", why);
	return false;
}

static uint32_t hash(struct strv text)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < text.len; i++)
		h = (h ^ (uint8_t)text.ptr[i]) * 16777619u;
	return h;
}

static bool call_id_of(const struct forward_message *m, struct strv *call_id)
{
	struct sip_msg msg;

	if (sip_parse(&msg, m->sip, m->len) != SIP_OK)
		return false;
	*call_id = sip_strv(&msg, msg.call_id);
	return true;
}

void check_init(struct forward_check *check)
{
	uint32_t slots = 16;
	struct strv call_id;

	while (slots < 2 * check->set->nb_messages)
		slots *= 2;
	check->mask = slots - 1;
	check->by_call_id = calloc(slots, sizeof(*check->by_call_id));
	check->datagram = calloc(1, UINT16_MAX + 2 * SIP_PAD);
	if (check->by_call_id == NULL || check->datagram == NULL)
		abort();
	for (uint32_t i = 0; i < check->set->nb_messages; i++) {
		uint32_t slot;

		if (!call_id_of(&check->set->messages[i], &call_id))
			continue;
		slot = hash(call_id) & check->mask;
		while (check->by_call_id[slot] != 0)
			slot = (slot + 1) & check->mask;
		check->by_call_id[slot] = i + 1;
	}
}

void check_fini(struct forward_check *check)
{
	free(check->by_call_id);
	free(check->datagram);
}

static const struct forward_message *find(const struct forward_check *check, struct strv call_id)
{
	uint32_t slot = hash(call_id) & check->mask;
	struct strv other;

	for (; check->by_call_id[slot] != 0; slot = (slot + 1) & check->mask) {
		const struct forward_message *m =
			&check->set->messages[check->by_call_id[slot] - 1];

		if (call_id_of(m, &other) && strv_eq(other, call_id))
			return m;
	}
	return NULL;
}

static struct strv field(const struct sip_msg *msg, unsigned int i)
{
	return (struct strv){
		msg->buf + msg->hdr_line[i], (size_t)(msg->hdr_line[i + 1] - msg->hdr_line[i])};
}

static bool nth_via(const struct sip_msg *msg, unsigned int n, struct sip_via *via)
{
	struct sip_iter it = {0};
	struct sip_slice value;
	bool bad;

	for (unsigned int i = 0; i <= n; i++)
		if (!sip_next_value(msg, SIP_HDR_VIA, &it, &value, &bad))
			return false;
	return sip_via_parse(msg, value, via) == 0;
}

// Where a response goes by this Via (RFC 3261 section 18.2.2, RFC 3581).
static bool response_goes_to(
	const struct sip_msg *msg, const struct sip_via *via, struct endpoint *ep)
{
	struct sip_slice host = via->received.len > 0 ? via->received : via->host;

	ep->port = via->rport != 0 ? via->rport : via->port != 0 ? via->port : FORWARD_SIP_PORT;
	return ip_addr_parse(sip_strv(msg, host), &ep->ip) == 0;
}

static bool route_user(const struct sip_msg *msg, enum sip_hdr id, struct strv *user)
{
	int i = sip_find_hdr(msg, id);
	struct sip_name_addr na;
	struct sip_uri uri;

	if (i < 0 || sip_name_addr_parse(msg, sip_hdr_value(msg, (unsigned int)i), &na) != 0 ||
		sip_uri_parse(msg, na.uri, &uri) != 0 || !uri.lr)
		return false;
	*user = sip_strv(msg, uri.user);
	return true;
}

static uint16_t expected_backend(const struct pair *p)
{
	const struct snapshot *snap = p->check->snap;
	const struct sip_msg *msg = &p->before;
	struct route_token token;
	struct strv user;
	struct sip_uri uri;

	if (p->in->kind == FORWARD_BYE) {
		if (!route_user(msg, SIP_HDR_ROUTE, &user) ||
			route_token_verify(snap, user, p->digest, &token) != TOKEN_OK)
			return SNAPSHOT_NONE;
		return snapshot_find_backend_id(snap, token.backend_id);
	}
	if (p->check->bound != 0 && sip_uri_parse(msg, msg->request_uri, &uri) == 0 &&
		uri.user.len > 1)
		return (uint16_t)(strtoul(msg->buf + uri.user.off + 1, NULL, 10) % p->check->bound);
	return snapshot_row(snap, &snapshot_service(snap, 0)->table, p->digest)[0];
}

// Our Via, and what became of the sender's.
static bool vias_fit(struct pair *p)
{
	const struct snapshot *snap = p->check->snap;
	const struct snapshot_listener *listener =
		snapshot_listener(snap, snapshot_find_listener(snap, &p->from));
	const struct sip_msg *after = &p->after;
	const struct sip_via *sender = &p->before.via;
	struct endpoint target, wanted = p->in->source;
	struct branch_token token;
	struct sip_via next;

	if (!strv_eq(sip_strv(after, after->via.sent_by), strv_from(listener->sent_by)))
		return wrong(p->check, "the top Via is not ours");
	if (!nth_via(after, 1, &next) ||
		!strv_eq(sip_strv(after, next.sent_by), sip_strv(&p->before, sender->sent_by)) ||
		!strv_eq(sip_strv(after, next.branch), sip_strv(&p->before, sender->branch)))
		return wrong(p->check, "the sender's Via has changed");
	if (sender->rport_param.len == 0)
		wanted.port = sender->port != 0 ? sender->port : FORWARD_SIP_PORT;
	else if (next.rport != p->in->source.port || next.received.len == 0)
		return wrong(p->check, "rport or received is missing");
	if (!response_goes_to(after, &next, &target) || !endpoint_eq(&target, &wanted))
		return wrong(p->check, "the response would go elsewhere");
	if (branch_token_verify(snap, sip_strv(after, after->via.branch), after, &next, &target,
		    &token) != TOKEN_OK)
		return wrong(p->check, "the branch does not verify");
	if (token.listener_id != listener->id || token.backend_id != p->backend->id)
		return wrong(p->check, "the branch names another listener or backend");
	return true;
}

static bool record_route_fits(struct pair *p)
{
	struct route_token token;
	struct strv user;

	if (!route_user(&p->after, SIP_HDR_RECORD_ROUTE, &user) ||
		route_token_verify(p->check->snap, user, p->digest, &token) != TOKEN_OK)
		return wrong(p->check, "the Record-Route does not verify");
	if (token.backend_id != p->backend->id || !endpoint_eq(&token.flow, &p->in->source))
		return wrong(p->check, "the Record-Route names another backend or flow");
	return true;
}

// Every header field of the original from `i` on is there in its place and as it was, but for the
// top Via, Max-Forwards and a Route of ours.
static bool rest_fits(struct pair *p, unsigned int i, unsigned int j)
{
	const struct sip_msg *before = &p->before, *after = &p->after;
	bool top = before->kind == SIP_REQUEST;

	for (; i < before->nb_hdrs; i++) {
		if (before->hdr_id[i] == SIP_HDR_ROUTE)
			continue;
		if (j >= after->nb_hdrs)
			return wrong(p->check, "header fields are missing");
		if (before->hdr_id[i] == SIP_HDR_MAX_FORWARDS && before->kind == SIP_REQUEST) {
			if (after->max_forwards != before->max_forwards - 1)
				return wrong(p->check, "Max-Forwards");
		} else if (before->hdr_id[i] == SIP_HDR_VIA && top) {
			top = false; // see vias_fit()
		} else if (!strv_eq(field(before, i), field(after, j))) {
			return wrong(p->check, "a header field has changed");
		}
		j++;
	}
	if (j != after->nb_hdrs)
		return wrong(p->check, "there are more header fields than there should be");
	if (before->body_len != after->body_len ||
		memcmp(before->buf + before->header_len, after->buf + after->header_len,
			before->body_len) != 0)
		return wrong(p->check, "the body has changed");
	return true;
}

static bool request_fits(struct pair *p)
{
	const struct snapshot_service *service = snapshot_service(p->check->snap, 0);
	bool records = service->flags & SERVICE_RECORD_ROUTE && p->before.method == SIP_INVITE;
	uint16_t backend = snapshot_find_backend_addr(p->check->snap, &p->to);

	if (backend == SNAPSHOT_NONE)
		return wrong(p->check, "it goes to nobody we know");
	if (backend != expected_backend(p))
		return wrong(p->check, "it goes to the wrong backend");
	p->backend = snapshot_backend(p->check->snap, backend);
	if (p->before.max_forwards < 0 && p->after.max_forwards != 70)
		return wrong(p->check, "Max-Forwards is missing");
	if (p->after.request_uri.len != p->before.request_uri.len)
		return wrong(p->check, "the Request-URI has changed");
	return vias_fit(p) && (!records || record_route_fits(p)) &&
		rest_fits(p, 0, 1u + records + (p->before.max_forwards < 0));
}

static bool response_fits(struct pair *p)
{
	struct endpoint wanted;
	struct sip_via next;

	if (!nth_via(&p->before, 1, &next) || !response_goes_to(&p->before, &next, &wanted) ||
		!endpoint_eq(&wanted, &p->to))
		return wrong(p->check, "a response goes elsewhere");
	return rest_fits(p, 1, 0);
}

static bool message_fits(struct pair *p, const char *sip, uint32_t len)
{
	struct forward_check *check = p->check;

	if (check->set->messages[0].kind == FORWARD_MALFORMED) {
		if (len < 12 || memcmp(sip, "SIP/2.0 400 ", 12) != 0)
			return wrong(check, "a malformed message is not answered with 400");
		return true;
	}
	if (sip_parse(&p->after, sip, len) != SIP_OK)
		return wrong(check, "what was sent does not parse");
	p->in = find(check, sip_strv(&p->after, p->after.call_id));
	if (p->in == NULL || sip_parse(&p->before, p->in->sip, p->in->len) != SIP_OK)
		return wrong(check, "what was sent has a Call-ID that nobody asked for");
	p->digest = snapshot_call_digest(check->snap, sip_strv(&p->after, p->after.call_id));
	if (p->before.kind != p->after.kind || p->before.method != p->after.method ||
		p->before.cseq != p->after.cseq)
		return wrong(check, "it has become another message");
	return p->after.kind == SIP_REQUEST ? request_fits(p) : response_fits(p);
}

static uint16_t l3_endpoints(const char *l3, struct pair *p)
{
	bool v6 = (*l3 & 0xf0) == 0x60;

	p->from.ip = (struct ip_addr){.family = v6 ? 6 : 4};
	p->to.ip = p->from.ip;
	memcpy(p->from.ip.octets, l3 + (v6 ? 8 : 12), v6 ? 16 : 4);
	memcpy(p->to.ip.octets, l3 + (v6 ? 24 : 16), v6 ? 16 : 4);
	return v6 ? sizeof(struct rte_ipv6_hdr) : sizeof(struct rte_ipv4_hdr);
}

// With offload the field holds the pseudo-header's sum, else the whole checksum.
static bool udp_cksum_fits(const char *l3, const struct rte_udp_hdr *udp, bool pseudo)
{
	struct rte_udp_hdr *copy = (struct rte_udp_hdr *)(uintptr_t)udp;
	uint16_t is = udp->dgram_cksum, wanted;
	bool v6 = (*l3 & 0xf0) == 0x60;

	if (pseudo) {
		wanted = v6 ? rte_ipv6_phdr_cksum((const struct rte_ipv6_hdr *)l3, 0)
			    : rte_ipv4_phdr_cksum((const struct rte_ipv4_hdr *)l3, 0);
		return is == wanted;
	}
	copy->dgram_cksum = 0;
	wanted = v6 ? rte_ipv6_udptcp_cksum((const struct rte_ipv6_hdr *)l3, udp)
		    : rte_ipv4_udptcp_cksum((const struct rte_ipv4_hdr *)l3, udp);
	copy->dgram_cksum = is;
	return is == wanted;
}

static bool datagram_fits(struct pair *p, const char *l3, const char *l4, uint32_t len, bool pseudo)
{
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)l4;

	p->from.port = rte_be_to_cpu_16(udp->src_port);
	p->to.port = rte_be_to_cpu_16(udp->dst_port);
	if (rte_be_to_cpu_16(udp->dgram_len) != len)
		return wrong(p->check, "UDP length");
	if (snapshot_find_listener(p->check->snap, &p->from) == SNAPSHOT_NONE)
		return wrong(p->check, "it does not leave from our address");
	if (!udp_cksum_fits(l3, udp, pseudo))
		return wrong(p->check, "UDP checksum");
	return message_fits(p, l4 + sizeof(*udp), len - (uint32_t)sizeof(*udp));
}

static bool ether_fits(
	struct forward_check *check, const struct rte_ether_hdr *ether, uint16_t port)
{
	uint8_t mac[6];

	frame_peer_mac((uint8_t)port, mac);
	if (memcmp(ether->dst_addr.addr_bytes, mac, 6) != 0)
		return wrong(check, "Ethernet destination");
	frame_port_mac((uint8_t)port, mac);
	if (memcmp(ether->src_addr.addr_bytes, mac, 6) != 0)
		return wrong(check, "Ethernet source");
	return true;
}

// A fragment of ours: they come in order. Returns whether the datagram is whole.
static bool put_together(struct forward_check *check, const struct rte_ipv4_hdr *ip, uint32_t len)
{
	uint16_t fragment = rte_be_to_cpu_16(ip->fragment_offset);
	uint32_t off = (uint32_t)(fragment & RTE_IPV4_HDR_OFFSET_MASK) * 8;

	if (off == 0)
		check->datagram_len = 0;
	if (off != check->datagram_len || off + len > UINT16_MAX - sizeof(*ip))
		return wrong(check, "fragments are out of order");
	memcpy(check->datagram + SIP_PAD + sizeof(*ip) + off, ip + 1, len);
	check->datagram_len = off + len;
	if (fragment & RTE_IPV4_HDR_MF_FLAG)
		return false;
	memcpy(check->datagram + SIP_PAD, ip, sizeof(*ip));
	((struct rte_ipv4_hdr *)(check->datagram + SIP_PAD))->total_length =
		rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + check->datagram_len));
	return true;
}

void check_frame(struct forward_check *check, const struct rte_mbuf *m, uint16_t port)
{
	const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const char *l3 = (const char *)(ether + 1), *l4;
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)l3;
	struct pair p = {.check = check};
	uint16_t l3_len = l3_endpoints(l3, &p);
	uint32_t len = m->data_len - (uint32_t)sizeof(*ether) - l3_len;
	bool pseudo = check->cksum_offload;

	l4 = l3 + l3_len;
	if (l3_len == sizeof(*ip) && (ip->fragment_offset & ~RTE_BE16(RTE_IPV4_HDR_DF_FLAG)) != 0) {
		pseudo = false; // cut after the checksum was finished
		if (!put_together(check, ip, len))
			return;
		l3 = check->datagram + SIP_PAD;
		l4 = l3 + l3_len;
		len = check->datagram_len;
	}
	if (check->nb_messages++ % check->every != 0)
		return;
	check->nb_checked++;
	if (l3_len == sizeof(*ip) &&
		((m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) != 0
				? ip->hdr_checksum != 0
				: rte_raw_cksum(ip, sizeof(*ip)) != 0xffff))
		wrong(check, "IP header checksum");
	if (ether_fits(check, ether, port))
		datagram_fits(&p, l3, l4, len, pseudo);
}

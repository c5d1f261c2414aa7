// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/keepalive.h"

#include "dataplane/dispatch/acl.h"
#include "dataplane/rate.h"

#include <errno.h>

#define STUN_COOKIE RTE_BE32(0x2112a442)
#define STUN_BINDING_REQUEST RTE_BE16(0x0001)
#define STUN_BINDING_RESPONSE RTE_BE16(0x0101)
#define STUN_XOR_MAPPED_ADDRESS RTE_BE16(0x0020)
#define STUN_COMPREHENSION_OPTIONAL 0x8000
#define STUN_ATTRIBUTES_MAX 8

struct stun_header { // RFC 5389 section 6
	rte_be16_t type, len;
	rte_be32_t cookie;
	uint8_t transaction[12];
} __rte_packed;

struct stun_mapped { // section 15.2
	rte_be16_t type, len;
	uint8_t reserved, family;
	rte_be16_t port;
	uint8_t address[16];
} __rte_packed;

// Only attributes that may be ignored: a request with others wants more than a keep-alive gets.
static bool attributes_ok(const char *p, uint32_t len)
{
	for (unsigned int i = 0; len > 0; i++) {
		rte_be16_t type, value_len;
		uint32_t size;

		if (len < 4 || i == STUN_ATTRIBUTES_MAX)
			return false;
		memcpy(&type, p, 2);
		memcpy(&value_len, p + 2, 2);
		size = 4 + RTE_ALIGN_CEIL((uint32_t)rte_be_to_cpu_16(value_len), 4);
		if (size > len || rte_be_to_cpu_16(type) < STUN_COMPREHENSION_OPTIONAL)
			return false;
		p += size;
		len -= size;
	}
	return true;
}

// Turn a binding request into its response, in place. Returns 0, or -EBADMSG when it is none.
static int stun_answer(struct rte_mbuf *m, const struct endpoint *source)
{
	struct stun_header *stun = rte_pktmbuf_mtod(m, struct stun_header *);
	size_t addr_len = source->ip.family == 4 ? 4 : 16;
	struct stun_mapped *mapped = (struct stun_mapped *)(stun + 1);
	uint16_t mapped_len = (uint16_t)(8 + addr_len);

	if (m->data_len < sizeof(*stun) || stun->cookie != STUN_COOKIE ||
		stun->type != STUN_BINDING_REQUEST ||
		rte_be_to_cpu_16(stun->len) != m->data_len - sizeof(*stun) ||
		!attributes_ok((const char *)(stun + 1), m->data_len - (uint32_t)sizeof(*stun)))
		return -EBADMSG;

	rte_pktmbuf_trim(m, (uint16_t)(m->data_len - sizeof(*stun)));
	if (rte_pktmbuf_append(m, mapped_len) == NULL)
		return -EBADMSG;
	stun->type = STUN_BINDING_RESPONSE;
	stun->len = rte_cpu_to_be_16(mapped_len);
	mapped->type = STUN_XOR_MAPPED_ADDRESS;
	mapped->len = rte_cpu_to_be_16((uint16_t)(mapped_len - 4));
	mapped->reserved = 0;
	mapped->family = source->ip.family == 4 ? 1 : 2;
	mapped->port = rte_cpu_to_be_16(source->port) ^ (rte_be16_t)(STUN_COOKIE & 0xffff);
	// The mask is the cookie and the transaction ID, as they stand in the header.
	for (size_t i = 0; i < addr_len; i++)
		mapped->address[i] = source->ip.octets[i] ^ ((const uint8_t *)&stun->cookie)[i];
	return 0;
}

// CR, LF and NUL only? Such datagrams are short; a long one is not looked at to its end.
static bool is_blank(const char *p, uint32_t len)
{
	if (len > 8)
		return false;
	for (uint32_t i = 0; i < len; i++)
		if (p[i] != '\r' && p[i] != '\n' && p[i] != '\0')
			return false;
	return true;
}

// Our own address as a source is a forgery, whom an access list keeps out gets no answer, and
// nobody gets more than the service has for one address: what arrives may have another's.
static enum drop_reason refused(struct worker *w, const struct pkt *pkt)
{
	const struct snapshot *snap = w->published->snap;
	uint16_t service = snapshot_listener(snap, pkt->in.listener)->service;
	const struct rate_limit limit = {
		RATE_KEEPALIVES, snapshot_service(snap, service)->reply_rate};

	uint16_t backend = snapshot_find_backend_addr(snap, &pkt->in.source);

	if (snapshot_find_listener(snap, &pkt->in.source) != SNAPSHOT_NONE)
		return DROP_BAD_TARGET;
	if (snapshot_is_forged_source(snap, backend, pkt->in.port))
		return DROP_SPOOFED;
	if (backend == SNAPSHOT_NONE && !acl_permits(snap, pkt->in.listener, &pkt->in.source.ip))
		return DROP_ACL;
	if (!rate_take(w->rates, limit, &pkt->in.source.ip, w->now_ms))
		return DROP_RATE_REPLY;
	return DROP_NONE;
}

bool keepalive_answered(struct worker *w, struct pkt *pkt)
{
	struct rte_mbuf *m = pkt->m;
	const char *p = rte_pktmbuf_mtod(m, const char *);
	enum drop_reason reason;

	if (!keepalive_possible(m))
		return false;
	if (is_blank(p, m->data_len)) {
		if (m->data_len != 4 || memcmp(p, "\r\n\r\n", 4) != 0) {
			pkt_drop(w, pkt, DROP_KEEPALIVE);
			return true;
		}
		rte_pktmbuf_trim(m, 2); // a ping's pong is one CRLF
	} else if ((unsigned char)*p > 3) {
		return false; // CRLFs in front of a message, or garbage
	} else if (stun_answer(m, &pkt->in.source) != 0) {
		pkt_drop(w, pkt, DROP_KEEPALIVE);
		return true;
	}
	reason = refused(w, pkt);
	if (reason != DROP_NONE) {
		pkt_drop(w, pkt, reason);
		return true;
	}
	w->counters->keepalives++;
	tx_message(w, m, pkt->in.listener, &pkt->in.source);
	return true;
}

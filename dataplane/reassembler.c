// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/reassembler.h"

#include "dataplane/dispatch/siphash.h"

#include <rte_errno.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include <errno.h>

#define NO_FLOW UINT32_MAX
#define EXPIRE_BATCH 16
#define EVICT_BATCH 4 // for one new datagram: the oldest may have no buffer to give
#define SOURCE_SLOTS 4096 // counters of the per-source limit, in each of two rows
#define UDP_HEADER_LEN 8

struct part {
	uint16_t off, len;
};

struct flow { // one datagram that is not complete yet
	uint64_t hash;
	struct ip_addr source, destination;
	uint32_t id;
	uint8_t protocol;
	uint8_t nb_parts;
	bool refused; // it overlapped: what still comes of it is dropped
	uint16_t have; // octets of payload that are there
	uint16_t total; // octets of payload in all, 0 while the last fragment is missing
	struct part parts[REASSEMBLER_PARTS_MAX];
	struct rte_mbuf *mbuf; // NULL if refused
	uint64_t expires_ms;
	uint32_t chain; // next in the bucket, or in the list of free flows
	uint32_t older, newer; // in the order of arrival, which is that of expiry
};

struct reassembler {
	struct reassembler_options options;
	uint32_t bucket_mask;
	uint32_t nb_flows;
	uint32_t free;
	uint32_t oldest, newest;
	uint64_t nb_evicted;
	uint16_t sources[2][SOURCE_SLOTS];
	uint32_t *buckets;
	struct flow *flows;
};

static int read_ipv4(struct rte_mbuf *mbuf, uint16_t l3, struct ip_fragment *f)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(mbuf, struct rte_ipv4_hdr *, l3);
	uint16_t field = rte_be_to_cpu_16(ip->fragment_offset);
	uint16_t ihl = rte_ipv4_hdr_len(ip), total = rte_be_to_cpu_16(ip->total_length);

	if ((field & (RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) == 0)
		return -ENOENT;
	if (ihl < sizeof(*ip) || total < ihl || l3 + total > rte_pktmbuf_pkt_len(mbuf))
		return -EBADMSG;
	f->source = f->destination = (struct ip_addr){.family = 4};
	memcpy(f->source.octets, &ip->src_addr, 4);
	memcpy(f->destination.octets, &ip->dst_addr, 4);
	f->id = ip->packet_id;
	f->protocol = ip->next_proto_id;
	f->more = (field & RTE_IPV4_HDR_MF_FLAG) != 0;
	f->off = (uint16_t)((field & RTE_IPV4_HDR_OFFSET_MASK) * RTE_IPV4_HDR_OFFSET_UNITS);
	f->data = (uint16_t)(l3 + ihl);
	f->len = (uint16_t)(total - ihl);
	return 0;
}

static int read_ipv6(struct rte_mbuf *mbuf, uint16_t l3, struct ip_fragment *f)
{
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod_offset(mbuf, struct rte_ipv6_hdr *, l3);
	uint16_t payload = rte_be_to_cpu_16(ip->payload_len), field;
	const struct rte_ipv6_fragment_ext *ext;

	if (ip->proto != IPPROTO_FRAGMENT)
		return -ENOENT;
	if (payload < sizeof(*ext) || l3 + sizeof(*ip) + payload > rte_pktmbuf_pkt_len(mbuf) ||
		l3 + sizeof(*ip) + sizeof(*ext) > rte_pktmbuf_data_len(mbuf))
		return -EBADMSG;
	ext = (const struct rte_ipv6_fragment_ext *)(ip + 1);
	field = rte_be_to_cpu_16(ext->frag_data);
	f->source = f->destination = (struct ip_addr){.family = 6};
	memcpy(f->source.octets, &ip->src_addr, 16);
	memcpy(f->destination.octets, &ip->dst_addr, 16);
	f->id = ext->id;
	f->protocol = ext->next_header;
	f->more = (field & RTE_IPV6_EHDR_MF_MASK) != 0;
	f->off = field & RTE_IPV6_EHDR_FO_MASK;
	f->data = (uint16_t)(l3 + sizeof(*ip) + sizeof(*ext));
	f->len = (uint16_t)(payload - sizeof(*ext));
	return 0;
}

int ip_fragment_read(struct rte_mbuf *mbuf, uint16_t l3, struct ip_fragment *fragment)
{
	uint16_t room = rte_pktmbuf_data_len(mbuf);
	uint8_t version;
	int err;

	if (room < l3 + sizeof(struct rte_ipv4_hdr))
		return -EBADMSG;
	version = *rte_pktmbuf_mtod_offset(mbuf, uint8_t *, l3) >> 4;
	if (version == 6 && room < l3 + sizeof(struct rte_ipv6_hdr))
		return -EBADMSG;
	err = version == 4     ? read_ipv4(mbuf, l3, fragment)
		: version == 6 ? read_ipv6(mbuf, l3, fragment)
			       : -ENOENT;
	if (err != 0)
		return err;
	fragment->mbuf = mbuf;
	fragment->l3 = l3;
	// All but the last carry a multiple of 8 octets; the first has the UDP header whole.
	if (fragment->len == 0 || (fragment->more && fragment->len % 8 != 0) ||
		(uint32_t)fragment->off + fragment->len > UINT16_MAX ||
		(fragment->off == 0 && fragment->len < UDP_HEADER_LEN))
		return -EBADMSG;
	return 0;
}

struct reassembler *reassembler_create(const struct reassembler_options *options)
{
	uint32_t nb_buckets = rte_align32pow2(options->flows * 2);
	struct reassembler *r;

	if (options->flows == 0 || options->flows > UINT32_C(1) << 24) {
		rte_errno = EINVAL;
		return NULL;
	}
	r = rte_zmalloc_socket("reassembler", sizeof(*r), RTE_CACHE_LINE_SIZE, options->socket);
	if (r == NULL)
		return NULL;
	r->options = *options;
	if (options->max_parts == 0 || options->max_parts > REASSEMBLER_PARTS_MAX)
		r->options.max_parts = REASSEMBLER_PARTS_MAX;
	r->bucket_mask = nb_buckets - 1;
	r->buckets = rte_malloc_socket("reassembler", nb_buckets * sizeof(*r->buckets),
		RTE_CACHE_LINE_SIZE, options->socket);
	r->flows = rte_zmalloc_socket("reassembler", options->flows * sizeof(*r->flows),
		RTE_CACHE_LINE_SIZE, options->socket);
	if (r->buckets == NULL || r->flows == NULL) {
		reassembler_destroy(r);
		rte_errno = ENOMEM;
		return NULL;
	}
	memset(r->buckets, 0xff, nb_buckets * sizeof(*r->buckets));
	for (uint32_t i = 0; i < options->flows; i++)
		r->flows[i].chain = i + 1 < options->flows ? i + 1 : NO_FLOW;
	r->oldest = r->newest = NO_FLOW;
	return r;
}

void reassembler_destroy(struct reassembler *r)
{
	if (r == NULL)
		return;
	if (r->flows != NULL && r->buckets != NULL)
		for (uint32_t i = r->oldest; i != NO_FLOW; i = r->flows[i].newer)
			rte_pktmbuf_free(r->flows[i].mbuf);
	rte_free(r->flows);
	rte_free(r->buckets);
	rte_free(r);
}

uint64_t reassembler_hash(const uint8_t key[16], const struct ip_fragment *fragment)
{
	struct {
		uint8_t source[16], destination[16];
		uint32_t id;
		uint8_t protocol, family, pad[2];
	} tuple = {.id = fragment->id,
		.protocol = fragment->protocol,
		.family = fragment->source.family};

	memcpy(tuple.source, fragment->source.octets, 16);
	memcpy(tuple.destination, fragment->destination.octets, 16);
	return siphash13(key, &tuple, sizeof(tuple));
}

// The two counters of a source address. An address that shares both with a flooding one suffers
// with it, until the flood's datagrams expire; a flooder cannot aim, because the hash is keyed.
static void source_counters(struct reassembler *r, const struct ip_addr *source, uint16_t *out[2])
{
	uint64_t hash = siphash13(r->options.key, source->octets, sizeof(source->octets));

	out[0] = &r->sources[0][hash % SOURCE_SLOTS];
	out[1] = &r->sources[1][hash / SOURCE_SLOTS % SOURCE_SLOTS];
}

static struct flow *find_flow(struct reassembler *r, const struct ip_fragment *f, uint64_t hash)
{
	for (uint32_t i = r->buckets[hash & r->bucket_mask]; i != NO_FLOW; i = r->flows[i].chain) {
		struct flow *flow = &r->flows[i];

		if (flow->hash == hash && flow->id == f->id && flow->protocol == f->protocol &&
			ip_addr_eq(&flow->source, &f->source) &&
			ip_addr_eq(&flow->destination, &f->destination))
			return flow;
	}
	return NULL;
}

static void del_flow(struct reassembler *r, struct flow *flow)
{
	uint32_t index = (uint32_t)(flow - r->flows);
	uint32_t *link = &r->buckets[flow->hash & r->bucket_mask];
	uint16_t *counters[2];

	while (*link != index)
		link = &r->flows[*link].chain;
	*link = flow->chain;
	*(flow->older != NO_FLOW ? &r->flows[flow->older].newer : &r->oldest) = flow->newer;
	*(flow->newer != NO_FLOW ? &r->flows[flow->newer].older : &r->newest) = flow->older;
	source_counters(r, &flow->source, counters);
	--*counters[0];
	--*counters[1];
	flow->chain = r->free;
	r->free = index;
	r->nb_flows--;
}

static void free_flow(struct reassembler *r, struct flow *flow)
{
	rte_pktmbuf_free(flow->mbuf);
	del_flow(r, flow);
}

static bool evict(struct reassembler *r)
{
	if (r->oldest == NO_FLOW)
		return false;
	free_flow(r, &r->flows[r->oldest]);
	r->nb_evicted++;
	return true;
}

// A buffer for a new datagram, and a free flow for it.
static struct rte_mbuf *make_room(struct reassembler *r)
{
	struct rte_mbuf *mbuf;

	if (r->free == NO_FLOW && !evict(r))
		return NULL;
	mbuf = rte_pktmbuf_alloc(r->options.pool);
	for (unsigned int i = 0; mbuf == NULL && i < EVICT_BATCH && evict(r); i++)
		mbuf = rte_pktmbuf_alloc(r->options.pool);
	return mbuf;
}

static struct flow *add_flow(
	struct reassembler *r, const struct ip_fragment *f, uint64_t hash, uint64_t now_ms)
{
	uint32_t *bucket = &r->buckets[hash & r->bucket_mask], index;
	struct rte_mbuf *mbuf;
	uint16_t *counters[2];
	struct flow *flow;

	source_counters(r, &f->source, counters);
	if ((uint32_t)RTE_MIN(*counters[0], *counters[1]) >=
		RTE_MIN(r->options.per_source, (uint32_t)UINT16_MAX))
		return NULL;
	mbuf = make_room(r);
	if (mbuf == NULL)
		return NULL;
	index = r->free;
	++*counters[0];
	++*counters[1];
	flow = &r->flows[index];
	r->free = flow->chain;
	*flow = (struct flow){.hash = hash,
		.source = f->source,
		.destination = f->destination,
		.id = f->id,
		.protocol = f->protocol,
		.mbuf = mbuf,
		.expires_ms = now_ms + r->options.timeout_ms,
		.chain = *bucket,
		.older = r->newest,
		.newer = NO_FLOW};
	*bucket = index;
	if (r->newest != NO_FLOW)
		r->flows[r->newest].newer = index;
	else
		r->oldest = index;
	r->newest = index;
	r->nb_flows++;
	return flow;
}

// Whether a part fits to what is there. -EEXIST: an exact duplicate; -EBADMSG: it contradicts.
static int check_part(const struct flow *flow, const struct ip_fragment *f, uint32_t max_parts)
{
	uint32_t end = (uint32_t)f->off + f->len;

	for (unsigned int i = 0; i < flow->nb_parts; i++) {
		const struct part *p = &flow->parts[i];

		if (p->off == f->off && p->len == f->len)
			return -EEXIST;
		if (p->off < end && f->off < p->off + p->len)
			return -EBADMSG;
		// Nothing may stand behind the last fragment.
		if (!f->more && p->off >= end)
			return -EBADMSG;
	}
	if (flow->total != 0 && (end > flow->total || !f->more))
		return -EBADMSG;
	if (flow->nb_parts >= max_parts || end > REASSEMBLER_PAYLOAD_MAX)
		return -EBADMSG;
	return 0;
}

static uint16_t l3_len(const struct flow *flow)
{
	return flow->source.family == 4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
}

static void copy_part(struct flow *flow, const struct ip_fragment *f)
{
	char *out = rte_pktmbuf_mtod_offset(
		flow->mbuf, char *, RTE_ETHER_HDR_LEN + l3_len(flow) + f->off);
	const char *in = rte_pktmbuf_read(f->mbuf, f->data, f->len, out);

	if (in != out)
		rte_memcpy(out, in, f->len);
	flow->parts[flow->nb_parts++] = (struct part){f->off, f->len};
	flow->have = (uint16_t)(flow->have + f->len);
	if (!f->more)
		flow->total = (uint16_t)(f->off + f->len);
}

// Put the headers of an unfragmented packet before the payload.
static struct rte_mbuf *finish(const struct flow *flow, const struct ip_fragment *f)
{
	struct rte_mbuf *m = flow->mbuf;
	uint16_t l3 = l3_len(flow);
	char *eth = rte_pktmbuf_mtod(m, char *);

	m->data_len = (uint16_t)(RTE_ETHER_HDR_LEN + l3 + flow->total);
	m->pkt_len = m->data_len;
	m->port = f->mbuf->port;
	memcpy(eth, rte_pktmbuf_mtod(f->mbuf, char *), 2 * RTE_ETHER_ADDR_LEN);
	if (flow->source.family == 4) {
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(eth + RTE_ETHER_HDR_LEN);

		memcpy(ip, rte_pktmbuf_mtod_offset(f->mbuf, char *, f->l3), sizeof(*ip));
		ip->version_ihl = RTE_IPV4_VHL_DEF;
		ip->total_length = rte_cpu_to_be_16((uint16_t)(l3 + flow->total));
		ip->fragment_offset = 0;
		ip->hdr_checksum = 0;
		ip->hdr_checksum = rte_ipv4_cksum(ip);
		((struct rte_ether_hdr *)eth)->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	} else {
		struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)(eth + RTE_ETHER_HDR_LEN);

		memcpy(ip, rte_pktmbuf_mtod_offset(f->mbuf, char *, f->l3), sizeof(*ip));
		ip->payload_len = rte_cpu_to_be_16(flow->total);
		ip->proto = flow->protocol;
		((struct rte_ether_hdr *)eth)->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV6);
	}
	return m;
}

enum drop_reason reassembler_add(struct reassembler *r, const struct ip_fragment *fragment,
	uint64_t now_ms, struct rte_mbuf **whole)
{
	uint64_t hash = reassembler_hash(r->options.key, fragment);
	struct flow *flow = find_flow(r, fragment, hash);

	*whole = NULL;
	// An id that comes again after the time is another datagram.
	if (flow != NULL && flow->expires_ms <= now_ms) {
		free_flow(r, flow);
		flow = NULL;
	}
	if (flow == NULL)
		flow = add_flow(r, fragment, hash, now_ms);
	if (flow == NULL)
		return DROP_FRAGMENT_LIMIT;
	if (flow->refused)
		return DROP_FRAGMENT;

	switch (check_part(flow, fragment, r->options.max_parts)) {
	case 0:
		break;
	case -EEXIST:
		return DROP_FRAGMENT_DUPLICATE;
	default:
		rte_pktmbuf_free(flow->mbuf);
		flow->mbuf = NULL;
		flow->refused = true;
		return DROP_FRAGMENT;
	}
	copy_part(flow, fragment);
	if (flow->total != 0 && flow->have == flow->total) {
		*whole = finish(flow, fragment);
		del_flow(r, flow);
	}
	return DROP_NONE;
}

uint32_t reassembler_expire(struct reassembler *r, uint64_t now_ms)
{
	uint32_t nb = 0;

	while (nb < EXPIRE_BATCH && r->oldest != NO_FLOW &&
		r->flows[r->oldest].expires_ms <= now_ms) {
		free_flow(r, &r->flows[r->oldest]);
		nb++;
	}
	return nb;
}

uint64_t reassembler_evicted(const struct reassembler *r)
{
	return r->nb_evicted;
}

uint32_t reassembler_count(const struct reassembler *r)
{
	return r->nb_flows;
}

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker.h"

#include <rte_prefetch.h>

#define PREFETCH_AHEAD 2 // messages
#define PREFETCH_OCTETS 512
#define HEADROOM_OCTETS 256 // in front of a message: what a proxy's header fields and ours take

// Up to 256, 512, 1024, 1500, 2048, 4096, 8192, and more: powers of two, and 1500.
static unsigned int size_slot(uint32_t len)
{
	unsigned int slot = 24 - (unsigned int)__builtin_clz((len - 1) | 0xff);

	return RTE_MIN(slot + (len > 1500), IPC_SIZE_SLOTS - 1u);
}

// The lines of an ordinary message's header section: nothing of it is in a cache yet. A few
// messages ahead, because more than a few dozen lines cannot be on their way at once.
static void prefetch_message(const struct pkt *pkt)
{
	const char *data = rte_pktmbuf_mtod(pkt->m, const char *);

	for (unsigned int off = 0; off < PREFETCH_OCTETS; off += RTE_CACHE_LINE_SIZE)
		rte_prefetch0(data + off);
}

// Where rewriting will move the front of the message to, and what tx tells the device.
static void prefetch_headroom(const struct pkt *pkt)
{
	const char *data = rte_pktmbuf_mtod(pkt->m, const char *);

	for (unsigned int off = RTE_CACHE_LINE_SIZE; off <= HEADROOM_OCTETS;
		off += RTE_CACHE_LINE_SIZE)
		__builtin_prefetch(data - off, 1);
	__builtin_prefetch(&pkt->m->tx_offload, 1);
}

uint16_t parse_burst(struct worker *w, struct pkt **pkts, uint16_t nb)
{
	uint16_t nb_kept = 0;

	for (uint16_t i = 0; i < RTE_MIN(nb, PREFETCH_AHEAD); i++)
		prefetch_message(pkts[i]);
	for (uint16_t i = 0; i < nb; i++) {
		struct pkt *pkt = pkts[i];
		struct ipc_service_counters *service = pkt_service(w, pkt);
		uint32_t len = pkt->m->data_len;

		if (i + PREFETCH_AHEAD < nb)
			prefetch_message(pkts[i + PREFETCH_AHEAD]);
		if (likely(!pkt->again)) {
			service->message_size[size_slot(len)]++;
			service->message_octets += len;
		}
		// Classify saw to it that SIP_PAD octets stand on both sides: headers and tailroom.
		pkt->reason =
			(uint8_t)sip_parse(&pkt->msg, rte_pktmbuf_mtod(pkt->m, const char *), len);
		if (unlikely(pkt->reason == SIP_EMPTY)) {
			pkt_drop(w, pkt, DROP_KEEPALIVE);
			continue;
		}
		prefetch_headroom(pkt);
		// A refused message goes on: it may deserve an answer.
		pkts[nb_kept++] = pkt;
	}
	return nb_kept;
}

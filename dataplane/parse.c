// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker.h"

// Up to 256, 512, 1024, 1500, 2048, 4096, 8192, and more: powers of two, and 1500.
static unsigned int size_slot(uint32_t len)
{
	unsigned int slot = 24 - (unsigned int)__builtin_clz((len - 1) | 0xff);

	return RTE_MIN(slot + (len > 1500), IPC_SIZE_SLOTS - 1u);
}

uint16_t parse_burst(struct worker *w, struct pkt **pkts, uint16_t nb)
{
	uint16_t nb_kept = 0;

	for (uint16_t i = 0; i < nb; i++) {
		struct pkt *pkt = pkts[i];
		struct ipc_service_counters *service = pkt_service(w, pkt);
		uint32_t len = pkt->m->data_len;

		// rx did it for the first ones. The last ones send for one that is there, which
		// costs less than a jump that cannot be predicted.
		worker_prefetch(pkts[RTE_MIN(i + PREFETCH_AHEAD, nb - 1)]->m);
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
		// What tx tells the device stands in the mbuf's second line.
		__builtin_prefetch(&pkt->m->tx_offload, 1);
		// A refused message goes on: it may deserve an answer.
		pkts[nb_kept++] = pkt;
	}
	return nb_kept;
}

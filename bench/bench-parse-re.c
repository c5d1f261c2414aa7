// SPDX-License-Identifier: BSD-3-Clause
#include "bench/bench-parse-subjects.h"

#include <stdlib.h>
#include <string.h>

#include <re/re.h>

uint64_t bench_re_run(const struct message *m)
{
	struct mbuf *mb = mbuf_alloc(m->len);
	struct sip_msg *msg = NULL;
	struct sip_addr route;
	uint64_t sum = 0;

	if (mb == NULL || mbuf_write_mem(mb, (const uint8_t *)m->buf, m->len) != 0)
		abort();
	mb->pos = 0;
	if (sip_msg_decode(&msg, mb) == 0) {
		const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_ROUTE);

		sum = msg->via.branch.l + msg->from.tag.l + msg->to.tag.l + msg->callid.l +
			msg->cseq.num + msg->maxfwd.l + msg->clen.l;
		if (hdr != NULL && sip_addr_decode(&route, &hdr->val) == 0)
			sum++;
	}
	mem_deref(msg);
	mem_deref(mb);
	return sum;
}

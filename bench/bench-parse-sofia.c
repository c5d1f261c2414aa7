// SPDX-License-Identifier: BSD-3-Clause
#include "bench/bench-parse-subjects.h"

#include <stdlib.h>
#include <string.h>

#include <sofia-sip/msg_addr.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_parser.h>

uint64_t bench_sofia_run(const struct message *m)
{
	msg_t *msg = msg_make(sip_default_mclass(), 0, m->buf, (ssize_t)m->len);
	const sip_t *sip = sip_object(msg);
	uint64_t sum = 0;

	if (sip != NULL && sip->sip_via != NULL && sip->sip_from != NULL && sip->sip_to != NULL &&
		sip->sip_call_id != NULL && sip->sip_cseq != NULL) {
		sum = (uint64_t)sip->sip_via->v_host[0] + (sip->sip_via->v_branch != NULL) +
			(sip->sip_via->v_rport != NULL) + (sip->sip_from->a_tag != NULL) +
			(sip->sip_to->a_tag != NULL) + sip->sip_call_id->i_hash +
			sip->sip_cseq->cs_seq;
		sum += sip->sip_max_forwards != NULL ? sip->sip_max_forwards->mf_count : 0;
		sum += sip->sip_route != NULL;
		sum += sip->sip_content_length != NULL ? sip->sip_content_length->l_length : 0;
	}
	msg_destroy(msg);
	return sum;
}

// SPDX-License-Identifier: BSD-3-Clause
#include "tests/parser/peers.h"

#include <stdio.h>
#include <string.h>

#include <sofia-sip/msg_addr.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_parser.h>

static void set(char *to, const char *from)
{
	snprintf(to, READING_MAX, "%s", from != NULL ? from : "");
}

void read_sofia(const char *octets, size_t len, struct reading *r)
{
	msg_t *msg = msg_make(sip_default_mclass(), 0, octets, (ssize_t)len);
	const sip_t *sip = msg != NULL ? sip_object(msg) : NULL;

	memset(r, 0, sizeof(*r));
	r->accepted = sip != NULL && (sip->sip_request != NULL || sip->sip_status != NULL) &&
		sip->sip_error == NULL && !(sip->sip_flags & MSG_FLG_ERROR) &&
		sip->sip_via != NULL && sip->sip_from != NULL && sip->sip_to != NULL &&
		sip->sip_call_id != NULL && sip->sip_cseq != NULL;
	if (r->accepted) {
		set(r->call_id, sip->sip_call_id->i_id);
		snprintf(r->cseq, READING_MAX, "%u %s", sip->sip_cseq->cs_seq,
			sip->sip_cseq->cs_method_name != NULL ? sip->sip_cseq->cs_method_name : "");
		set(r->from_tag, sip->sip_from->a_tag);
		set(r->to_tag, sip->sip_to->a_tag);
		set(r->via_host, sip->sip_via->v_host);
		set(r->branch, sip->sip_via->v_branch);
		if (sip->sip_content_length != NULL)
			snprintf(r->content_length, READING_MAX, "%lu",
				(unsigned long)sip->sip_content_length->l_length);
	}
	msg_destroy(msg);
}

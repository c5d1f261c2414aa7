// SPDX-License-Identifier: BSD-3-Clause
#include "bench/bench-parse-subjects.h"

#include <stdlib.h>
#include <string.h>

#include <sys/time.h>

#include <osipparser2/osip_parser.h>

uint64_t bench_osip_run(const struct message *m)
{
	osip_generic_param_t *branch = NULL, *tag = NULL;
	osip_header_t *max_forwards = NULL;
	osip_message_t *sip;
	osip_route_t *route = NULL;
	osip_via_t *via = NULL;
	uint64_t sum = 0;

	if (osip_message_init(&sip) != 0)
		abort();
	if (osip_message_parse(sip, m->buf, m->len) == 0) {
		osip_message_get_via(sip, 0, &via);
		osip_via_param_get_byname(via, (char *)"branch", &branch);
		osip_from_get_tag(sip->from, &tag);
		sum = branch->gvalue[0] + tag->gvalue[0] + (uint64_t)sip->call_id->number[0] +
			(uint64_t)sip->cseq->number[0] + (uint64_t)via->host[0];
		tag = NULL;
		osip_to_get_tag(sip->to, &tag);
		osip_message_get_max_forwards(sip, 0, &max_forwards);
		osip_message_get_route(sip, 0, &route);
		sum += (tag != NULL) + (max_forwards != NULL) + (route != NULL);
		sum += sip->content_length != NULL ? (uint64_t)sip->content_length->value[0] : 0;
	}
	osip_message_free(sip);
	return sum;
}

void bench_osip_init(void)
{
	parser_init();
}

// SPDX-License-Identifier: BSD-3-Clause
#include "tests/parser/peers.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <osipparser2/osip_parser.h>

static void set(char *to, const char *from)
{
	snprintf(to, READING_MAX, "%s", from != NULL ? from : "");
}

static void fields(const osip_message_t *sip, struct reading *r)
{
	osip_generic_param_t *param = NULL;
	osip_via_t *via = NULL;

	snprintf(r->call_id, READING_MAX, "%s%s%s",
		sip->call_id->number != NULL ? sip->call_id->number : "",
		sip->call_id->host != NULL ? "@" : "",
		sip->call_id->host != NULL ? sip->call_id->host : "");
	snprintf(r->cseq, READING_MAX, "%lu %s",
		sip->cseq->number != NULL ? strtoul(sip->cseq->number, NULL, 10) : 0,
		sip->cseq->method != NULL ? sip->cseq->method : "");
	if (osip_from_get_tag(sip->from, &param) == 0)
		set(r->from_tag, param->gvalue);
	param = NULL;
	if (osip_to_get_tag(sip->to, &param) == 0)
		set(r->to_tag, param->gvalue);
	if (osip_message_get_via(sip, 0, &via) == 0) {
		param = NULL;
		// It drops the brackets of an IPv6 reference.
		snprintf(r->via_host, READING_MAX, strchr(via->host, ':') ? "[%s]" : "%s",
			via->host);
		if (osip_via_param_get_byname(via, (char *)"branch", &param) == 0)
			set(r->branch, param->gvalue);
	}
	if (sip->content_length != NULL)
		snprintf(r->content_length, READING_MAX, "%lu",
			strtoul(sip->content_length->value, NULL, 10));
}

void read_osip(const char *octets, size_t len, struct reading *r)
{
	osip_message_t *sip;

	memset(r, 0, sizeof(*r));
	if (osip_message_init(&sip) != 0)
		abort();
	r->accepted = osip_message_parse(sip, octets, len) == 0 && sip->call_id != NULL &&
		sip->cseq != NULL && sip->from != NULL && sip->to != NULL &&
		osip_list_size(&sip->vias) > 0;
	if (r->accepted)
		fields(sip, r);
	osip_message_free(sip);
}

// Its complaints are expected.
static void quiet(
	const char *file, int line, osip_trace_level_t level, const char *format, va_list args)
{
}

void read_osip_init(void)
{
	parser_init();
	osip_trace_initialize_func(TRACE_LEVEL0, quiet);
}

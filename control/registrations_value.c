// SPDX-License-Identifier: BSD-3-Clause
#include "control/registrations_value.h"

#include "control/redis_map.h"
#include "control/words.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static bool parse_number(struct strv text, uint64_t max, uint64_t *number)
{
	*number = 0;
	if (text.len == 0 || text.len > 18)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		*number = *number * 10 + (uint64_t)(text.ptr[i] - '0');
	}
	return *number <= max;
}

// "192.0.2.1:5060" or "[2001:db8::1]:5060"
static bool parse_endpoint(struct strv text, struct endpoint *ep)
{
	struct strv host = text, port;
	uint64_t number;

	while (host.len > 0 && host.ptr[host.len - 1] != ':')
		host.len--;
	if (host.len < 2)
		return false;
	port = (struct strv){text.ptr + host.len, text.len - host.len};
	host.len--;
	if (!parse_number(port, UINT16_MAX, &number) || ip_addr_parse(host, &ep->ip) < 0)
		return false;
	ep->port = (uint16_t)number;
	return true;
}

// Names go into tables and logs.
static bool is_name(struct strv text, size_t max)
{
	if (text.len == 0 || text.len > max)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
			return false;
	return true;
}

unsigned int registrations_value_format(
	const struct registrations_value *value, char out[REGISTRATIONS_VALUE_MAX])
{
	char flow[ENDPOINT_TEXT_MAX];
	int len;

	endpoint_format(&value->flow, flow);
	len = snprintf(out, REGISTRATIONS_VALUE_MAX,
		"%016" PRIu64 " %" PRId64 " %u %u %u %s %.*s %.*s", value->version,
		value->expires_ms, value->deleted, value->backend_id, value->listener_id, flow,
		(int)value->node.len, value->node.ptr, (int)value->backend.len, value->backend.ptr);
	return len < REGISTRATIONS_VALUE_MAX ? (unsigned int)len : REGISTRATIONS_VALUE_MAX - 1;
}

int registrations_value_parse(struct strv text, struct registrations_value *value)
{
	uint64_t expires, deleted, backend_id, listener_id;
	struct strv rest = text;

	value->version = redis_map_version(text);
	if (value->version == 0 || words_next(&rest).len != REDIS_MAP_VERSION_LEN)
		return -EBADMSG;
	if (!parse_number(words_next(&rest), INT64_MAX, &expires) ||
		!parse_number(words_next(&rest), 1, &deleted) ||
		!parse_number(words_next(&rest), UINT32_MAX, &backend_id) ||
		!parse_number(words_next(&rest), UINT16_MAX, &listener_id) ||
		!parse_endpoint(words_next(&rest), &value->flow))
		return -EBADMSG;
	value->node = words_next(&rest);
	value->backend = rest;
	if (!is_name(value->node, REGISTRATIONS_NODE_MAX) ||
		!is_name(value->backend, REGISTRATIONS_BACKEND_MAX))
		return -EBADMSG;
	value->expires_ms = (int64_t)expires;
	value->deleted = deleted == 1;
	value->backend_id = (uint32_t)backend_id;
	value->listener_id = (uint16_t)listener_id;
	return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
#include "control/probe_message.h"

#include "dataplane/dispatch/token.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

int probe_message_format(const struct probe_message *message, char *out, size_t size)
{
	char branch[TOKEN_TEXT_MAX];
	char target[ENDPOINT_TEXT_MAX];
	unsigned int branch_len;
	int len;

	branch_len = probe_token_format(message->key, message->probe_id, branch);
	endpoint_format(message->to, target);
	len = snprintf(out, size,
		"OPTIONS sip:%s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP %.*s;branch=%.*s;rport\r\n"
		"Max-Forwards: 70\r\n"
		"From: <%s>;tag=%08" PRIx32 "\r\n"
		"To: <sip:%s>\r\n"
		"Call-ID: probe-%016" PRIx64 "@%s\r\n"
		"CSeq: %" PRIu32 " OPTIONS\r\n"
		"Accept: application/sdp\r\n"
		"User-Agent: sipshunt\r\n"
		"Content-Length: 0\r\n"
		"\r\n",
		target, (int)message->listener->sent_by_len, message->listener->sent_by,
		(int)branch_len, branch, message->from, (uint32_t)message->probe_id, target,
		message->probe_id, message->node, (uint32_t)(message->probe_id & 0x7fffffff));
	return len < 0 || (size_t)len >= size ? -EMSGSIZE : len;
}

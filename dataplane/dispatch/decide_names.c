// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/decide.h"

static const char *const rule_names[RULES] = {
	[RULE_NONE] = "none",
	[RULE_TOKEN] = "token",
	[RULE_OUTBOUND] = "outbound",
	[RULE_TXN] = "transaction",
	[RULE_PREV_TABLE] = "previous-table",
	[RULE_BINDING] = "binding",
	[RULE_TABLE] = "table",
	[RULE_RESCUE] = "rescue",
	[RULE_VIA] = "via",
};

static const char *const drop_reason_names[DROP_REASONS] = {
	[DROP_NONE] = "none",
	[DROP_UNPARSABLE] = "unparsable",
	[DROP_FOREIGN_VIA] = "foreign-via",
	[DROP_FORGED_BRANCH] = "forged-branch",
	[DROP_RESPONSE_NOT_FROM_BACKEND] = "response-not-from-backend",
	[DROP_NO_NEXT_VIA] = "no-next-via",
	[DROP_BAD_TARGET] = "bad-target",
	[DROP_NO_BACKEND] = "no-backend",
	[DROP_ACK_UNANSWERABLE] = "ack-unanswerable",
	[DROP_NO_LISTENER] = "no-listener",
	[DROP_TOO_LARGE] = "too-large",
	[DROP_ACL] = "acl",
	[DROP_RATE_SOURCE] = "rate-source",
	[DROP_RATE_REPLY] = "rate-reply",
	[DROP_NOT_ALLOWED] = "not-allowed",
	[DROP_EDIT_OVERFLOW] = "edit-overflow",
	[DROP_NO_RESOLVER] = "no-resolver",
	[DROP_SPOOFED] = "spoofed-backend",
	[DROP_NOT_READY] = "not-ready",
	[DROP_BAD_IP] = "bad-ip",
	[DROP_BAD_CHECKSUM] = "bad-checksum",
	[DROP_FRAGMENT] = "fragment",
	[DROP_FRAGMENT_LIMIT] = "fragment-limit",
	[DROP_FRAGMENT_DUPLICATE] = "fragment-duplicate",
	[DROP_NO_ROUTE] = "no-route",
	[DROP_NEIGHBOUR] = "neighbour",
	[DROP_NO_MBUF] = "no-mbuf",
	[DROP_TX_FULL] = "tx-full",
	[DROP_KEEPALIVE] = "keepalive",
	[DROP_TWIN_FULL] = "twin-full",
};

const char *rule_name(enum rule rule)
{
	return (unsigned int)rule < RULES ? rule_names[rule] : "unknown";
}

const char *drop_reason_name(enum drop_reason reason)
{
	return (unsigned int)reason < DROP_REASONS ? drop_reason_names[reason] : "unknown";
}

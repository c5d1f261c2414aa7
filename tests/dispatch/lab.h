// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_DISPATCH_LAB_H
#define TESTS_DISPATCH_LAB_H

#include "dataplane/dispatch/decide.h"
#include "dataplane/dispatch/token.h"

// A small cluster to send messages to: bytes in, decision and bytes out.
//
// Service 0 "access": listeners VIP4, VIP6, INSIDE and OTHER_PORT, backends kam1..kam3
// at 10.20.1.11..13. Service 1 "core": listener CORE4, backends v6a and v6b at 2001:db8:20::11 and
// ::12.

enum {
	VIP4,
	VIP6,
	INSIDE,
	CORE4,
	CORE6,
	OTHER_PORT, // of VIP4's address
	LISTENERS
};

#define VIP "203.0.113.5:5060"
#define CALLER "198.51.100.10:5062"
#define LAB_BACKENDS_MAX 5

struct lab_options {
	uint8_t flags; // of both services; default Record-Route, Path and replies
	uint8_t mode;
	uint8_t hash_key;
	uint8_t register_hash_key; // 0: as hash_key
	bool no_flags; // flags 0 is meant
	bool two_sided; // backends of "access" are reached through INSIDE
	bool without_kam2;
	bool with_kam4;
	bool without_other_port;
	bool deny_caller; // 198.51.100.10 may not talk to VIP4
	uint16_t barred_ports; // of all backends; port 0 is "wan0", port 1 "core0"
	const struct snapshot *prev;
	uint64_t prev_until_ms, prev_key_until_ms, now_ms;
	uint16_t nb_keys, primary_key; // of keys 'a', 'b', 'c'
	uint16_t prev_primary_key;
	uint32_t max_message;
};

struct lab {
	struct snapshot *snap;
	struct backend_bits bits;
	struct decide_ctx ctx;
	void *txns;
	void *bindings;
	// Of the last message:
	uint16_t port; // that messages come in on
	char *raw; // allocated around `in`
	struct sip_msg msg;
	struct decide_in in;
	struct decision d;
	char out[8192];
	int out_len;
};

void lab_init(struct lab *lab, const struct lab_options *options);
void lab_fini(struct lab *lab);

// Give a message ('\n' stands for CRLF) from `source` to a listener; out holds what would be sent.
// Returns d.action.
int lab_send(struct lab *lab, const char *text, const char *source, uint16_t listener);
// As if nothing had been sent before: an empty transaction cache.
void lab_forget(struct lab *lab);
// What was sent, as the next input; allocated.
char *lab_out(const struct lab *lab);

struct endpoint lab_endpoint(const char *text);

// Does `text` look like `pattern`? '\n' in the pattern stands for CRLF, '*' for one or more
// characters of a token of ours.
bool lab_matches(const char *text, const char *pattern);

#define ck_out(lab, pattern)                                                                     \
	ck_assert_msg(lab_matches((lab)->out, (pattern)), "got:\n%s\nnot like:\n%s", (lab)->out, \
		(pattern))
#define ck_action(lab, wanted)                                                      \
	ck_assert_msg((lab)->d.action == (wanted), "action %d, drop %s, status %d", \
		(lab)->d.action, drop_reason_name((enum drop_reason)(lab)->d.drop), \
		(lab)->d.reply_status)
#define ck_dropped(lab, reason)                                                    \
	ck_assert_msg((lab)->d.action == ACTION_DROP && (lab)->d.drop == (reason), \
		"action %d, drop %s, status %d", (lab)->d.action,                  \
		drop_reason_name((enum drop_reason)(lab)->d.drop), (lab)->d.reply_status)
#define ck_to(lab, text)                                \
	do {                                            \
		char ck_text[ENDPOINT_TEXT_MAX];        \
		endpoint_format(&(lab)->d.to, ck_text); \
		ck_assert_str_eq(ck_text, (text));      \
	} while (0)

#endif

// SPDX-License-Identifier: BSD-3-Clause
#ifndef PARSER_INTERNAL_H
#define PARSER_INTERNAL_H

#include "parser/sip_msg.h"

// What the files of this room share; nobody outside includes it.
//
// sip_parse() is one template (parse_body.h), compiled once per instruction set. The hot path of
// the template takes the shapes that nearly all messages have; whatever looks different goes to the
// exact functions below, which know the whole grammar, name the reason and the octet.

enum sip_char {
	CH_TOKEN = 1, // RFC 3261 25.1 token
	CH_HOST = 2, // hostname, IPv4address; '_' because DNS names in the field have it
	CH_SCHEME = 4, // after the first letter
	CH_VALUE = 8, // a gen-value that is not quoted: everything that separates nothing
	CH_DIGIT = 16,
	CH_LWS = 32, // SP HT, and CR LF, which stand in a value as folding only
	CH_URI = 64, // may stand in a URI: printable, and no delimiter of name-addr
	CH_MARK = 128, // may open, close or split values of a list
};
#pragma GCC visibility push(hidden)
extern const uint8_t sip_chars[256];

static inline bool char_is(char c, unsigned int classes)
{
	return sip_chars[(unsigned char)c] & classes;
}

#define SIP_NAME_SLOTS 256
#define SIP_NAME_MULT 0xeefaf13e454200abULL // makes the names below collide nowhere
#define SIP_NAME_LEN_MAX 30 // the longest name that may have a slot

// The slot of a header name: by its first eight octets in any case, zeros behind its colon, and
// the length with the colon.
static inline size_t sip_name_slot(uint64_t first_eight, size_t len)
{
	return ((first_eight & 0xdfdfdfdfdfdfdfdfULL) + 8 * len) * SIP_NAME_MULT >> 56;
}

// A header name that is found at a glance, and what finding it adds to struct seen; one cache line.
// Names that nobody here asks for are among them as SIP_HDR_OTHER: in a name that is found, no
// octet needs to be looked at.
struct sip_name_slot {
	char octets[32]; // in lower case, with the colon, padded with 0
	uint64_t single; // SIP_SINGLE_LANE(id)
	uint32_t present; // BIT(id)
	uint8_t id; // enum sip_hdr
} __attribute__((aligned(64)));
extern const struct sip_name_slot sip_names[SIP_NAME_SLOTS];
// Stands for all that have no slot: whether they are names is still to be seen.
extern const struct sip_name_slot sip_name_unseen;
#define SIP_HDR_UNSEEN 31 // its id, no enum sip_hdr

#define SIP_METHOD_SLOTS 16
#define SIP_METHOD_MULT 0xbcf29d99u // makes the 14 methods collide nowhere

// The slot of a method, by its first three octets; more may stand behind them.
static inline size_t sip_method_slot(uint32_t first_three)
{
	return (first_three & 0xffffff) * SIP_METHOD_MULT >> 28;
}

struct sip_method_slot {
	char name[16]; // padded with 0
	uint64_t mask; // of the first eight octets, those that belong to the name
	uint16_t tail; // the last octet, and a SP behind it
	uint8_t len; // 3 to 9; 0: no method has this slot
	uint8_t method; // enum sip_method
} __attribute__((aligned(32)));
extern const struct sip_method_slot sip_methods[SIP_METHOD_SLOTS];
#pragma GCC visibility pop

enum sip_method sip_method_find(struct strv name);
enum sip_hdr sip_hdr_find(struct strv name);

#define BIT(id) (1u << (id))
#define SIP_MANDATORY                                                                    \
	(BIT(SIP_HDR_VIA) | BIT(SIP_HDR_FROM) | BIT(SIP_HDR_TO) | BIT(SIP_HDR_CALL_ID) | \
		BIT(SIP_HDR_CSEQ))
#define SIP_SINGLE                                                                        \
	(BIT(SIP_HDR_FROM) | BIT(SIP_HDR_TO) | BIT(SIP_HDR_CALL_ID) | BIT(SIP_HDR_CSEQ) | \
		BIT(SIP_HDR_MAX_FORWARDS) | BIT(SIP_HDR_CONTENT_LENGTH))

// Parameters that one value may carry. Their grammar has no bound, but the time to look at them
// must have one: 64 KB of ";a" would cost many times what 64 KB of anything else does.
#define SIP_PARAMS_MAX 128

// A place in the message where it was found wrong.
struct sip_fault {
	enum sip_reason reason;
	uint32_t off; // relative to msg->buf
};

// The start line, octet by octet. Returns its reason; on SIP_OK and on a reason that leaves the
// rest of the message readable, *end is the offset after the line end, else 0.
enum sip_reason sip_start_line(
	struct sip_msg *msg, const char *buf, size_t len, struct sip_fault *fault, uint32_t *end);

// One header field's name, octet by octet: LWS before the colon, names of any length, empty values.
// Sets hdr_id and hdr_value; returns false when there is no name.
bool sip_name_slow(struct sip_msg *msg, unsigned int i, struct sip_fault *fault);

// Whether the octets [off, end) of a header section are acceptable although the index found a
// control octet there that is no line end: HT, or one that a backslash escapes (quoted-pair).
bool sip_control_ok(const char *buf, uint32_t at);

// The fields of the dispatch set by the whole grammar. They set what they are named after.
bool sip_field_via(struct sip_msg *msg, unsigned int i, struct sip_fault *fault);
bool sip_field_tag(
	struct sip_msg *msg, unsigned int i, struct sip_slice *tag, struct sip_fault *fault);
bool sip_field_call_id(struct sip_msg *msg, unsigned int i, struct sip_fault *fault);
bool sip_field_cseq(struct sip_msg *msg, unsigned int i, struct sip_fault *fault);
bool sip_field_max_forwards(struct sip_msg *msg, unsigned int i, struct sip_fault *fault);
bool sip_field_content_length(struct sip_msg *msg, unsigned int i, struct sip_fault *fault);
bool sip_field_route(struct sip_msg *msg, unsigned int i, struct sip_fault *fault);

// How often each of those stands, in lanes of eight bits: 128 at most, so no lane overflows.
#define SIP_SINGLE_LANE(id) ((SIP_SINGLE >> (id)&1ULL) << (8 * ((id) % 9) & 63))
#define SIP_SINGLE_TWICE 0xfefefefefefe00ULL // ... more than once

// The first header field that is missing or doubled.
void sip_fault_presence(const struct sip_msg *msg, struct sip_fault *fault);

// End of a refused message: sets error_off and can_reply.
enum sip_reason sip_reject(struct sip_msg *msg, struct sip_fault fault, bool indexed);

// The exact reading of what the public functions of the same name take apart.
bool sip_comma_exact(const char *buf, uint32_t *pos, uint32_t end, bool comments);
int sip_name_addr_exact(
	const struct sip_msg *msg, struct sip_slice value, struct sip_name_addr *result);
int sip_uri_exact(const struct sip_msg *msg, struct sip_slice uri, struct sip_uri *result);
int sip_via_exact(const struct sip_msg *msg, struct sip_slice value, struct sip_via *via);

// A kernel: sip_parse(), and what is taken apart on demand at a glance. The latter set their result
// and return true, or leave it to the exact functions; a slice goes from `from` to `end`.
struct sip_kernel {
	const char *name;
	enum sip_reason (*parse)(struct sip_msg *msg, const char *buf, size_t len);
	const char *(*comma)(const char *from, const char *end); // NULL: see sip_comma_exact()
	bool (*name_addr)(
		const char *buf, const char *from, const char *end, struct sip_name_addr *result);
	bool (*uri)(const char *buf, const char *from, const char *end, struct sip_uri *result);
	bool (*via)(const char *buf, const char *from, const char *end, struct sip_via *result);
};

#pragma GCC visibility push(hidden)
extern const struct sip_kernel sip_kernel_scalar;
extern const struct sip_kernel sip_kernel_sse42;
extern const struct sip_kernel sip_kernel_avx2;
extern const struct sip_kernel sip_kernel_avx512;
extern const struct sip_kernel sip_kernel_neon;
extern const struct sip_kernel *sip_kernel; // the one in use
#pragma GCC visibility pop

#endif

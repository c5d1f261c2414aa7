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
extern const uint8_t sip_chars[256];

static inline bool char_is(char c, unsigned int classes)
{
	return sip_chars[(unsigned char)c] & classes;
}

#define SIP_NAME_SLOTS 64
#define SIP_NAME_MULT 0xda163581u // makes the 30 known names collide nowhere
#define SIP_METHOD_SLOTS 32
#define SIP_METHOD_MULT 0x3d9c172411e20b8fULL // ... and the 14 methods

// The slot of a header name of n octets, whose first two are given in lower case. Of a name of one
// octet, the colon is the second.
static inline unsigned int sip_name_slot(uint32_t first_two, unsigned int n)
{
	return ((first_two | 0x2020) + (n << 16)) * SIP_NAME_MULT >> 26;
}

// Known header names in lower case, by slot.
extern const uint8_t sip_name_octets[SIP_NAME_SLOTS][32]; // with ":", padded with 0
extern const uint8_t sip_name_len[SIP_NAME_SLOTS];
extern const uint8_t sip_name_id[SIP_NAME_SLOTS];

struct sip_method_slot {
	char name[16];
	uint8_t len;
	uint8_t method;
};
extern const struct sip_method_slot sip_methods[SIP_METHOD_SLOTS];

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

// The first header field that is missing or doubled.
void sip_fault_presence(const struct sip_msg *msg, struct sip_fault *fault);

// End of a refused message: sets error_off and can_reply.
enum sip_reason sip_reject(struct sip_msg *msg, struct sip_fault fault, bool indexed);

// The kernels.
typedef enum sip_reason sip_parse_fn(struct sip_msg *msg, const char *buf, size_t len);
sip_parse_fn sip_parse_scalar;
sip_parse_fn sip_parse_sse42;
sip_parse_fn sip_parse_avx2;
sip_parse_fn sip_parse_neon;

#endif

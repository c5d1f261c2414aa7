// SPDX-License-Identifier: BSD-3-Clause
// Where the header fields are and what they are called. Included by parse_body.h, once per kernel.

// hot_index() records where lines begin, if the header section has neither folding nor any control
// octet but its line ends, and is of ordinary size. It returns the number of header fields, or -1:
// careful_index() shall say. What it accepts has as many control octets as CRs and LFs of line
// ends; that each LF has a CR before it is left to the caller's look at every line.
#ifndef KERNEL_HOT_INDEX
#define INDEX_BLOCKS_MAX 120 // 8-bit lanes count two octets a block
#define INDEX_LINES_MAX 60 // a block adds up to 64 line ends: what the hot index may begin one with

// Write down where lines begin after the LFs of one block. How many there are, 0 to 3 in nearly
// every block, cannot be predicted, so three are written always and what is too much is written
// over. Returns where the next one goes.
static inline uint16_t *write_lines(uint16_t *line, size_t base, uint64_t lf)
{
	unsigned int nb = (unsigned int)__builtin_popcountll(lf);

	for (unsigned int i = 0; i < 3; i++, lf &= lf - 1)
		line[i] = (uint16_t)(base + k_first(lf) + 1);
	for (unsigned int i = 3; unlikely(i < nb); i++, lf &= lf - 1)
		line[i] = (uint16_t)(base + k_first(lf) + 1);
	return line + nb;
}

static inline int hot_index(struct sip_msg *restrict msg, const char *buf, size_t len)
{
	const uint16_t *line_limit = msg->hdr_line + INDEX_LINES_MAX;
	size_t limit = len < 64 * INDEX_BLOCKS_MAX ? len : 64 * INDEX_BLOCKS_MAX, base = 0;
	uint64_t previous = 0, lf, eoh;
	uint16_t *line = msg->hdr_line;
	struct k_count count = {0};
	unsigned int last, controls, n;

	for (;; base += 64) {
		lf = k_eq64(buf + base, '\n');
		eoh = lf & (lf << 2 | previous >> 62);
		if (eoh != 0)
			break;
		k_count_add(&count, buf + base);
		if (unlikely(base + 64 >= limit || line > line_limit))
			return -1;
		previous = lf;
		line = write_lines(line, base, lf);
	}
	last = ctz64(eoh);
	if (unlikely(base + last >= len || line > line_limit))
		return -1;
	line = write_lines(line, base, k_low_bits(lf, last));
	n = (unsigned int)(line - msg->hdr_line);
	msg->header_len = (uint16_t)(base + last + 1);
	controls = k_count_sum(&count) +
		(unsigned int)__builtin_popcountll(k_low_bits(k_control64(buf + base), last + 1));
	// Two octets for each line end and two for the empty line.
	if (unlikely(n == 0 || controls != 2 * (n + 1) || buf[base + last - 1] != '\r' ||
		    buf[msg->hdr_line[0] - 2] != '\r'))
		return -1;
	return (int)n - 1;
}
#endif

// One block of the careful index: what is wrong in it, where lines end.
struct block {
	uint64_t ends; // LFs after a CR
	uint64_t folds; // ... that are followed by SP or HT
	uint64_t bad; // LF without CR, CR without LF, forbidden controls
};

static inline struct block look(const char *buf, uint32_t base, uint32_t len)
{
	const char *p = buf + base;
	uint64_t valid = k_low_bits(~0ULL, len - base < 64 ? len - base : 64);
	uint64_t lf = k_eq64(p, '\n') & valid, cr = k_eq64(p, '\r') & valid;
	uint64_t after_cr = base == 0 ? cr << 1 : k_eq64(p - 1, '\r');
	uint64_t last = len - base > 64 ? 0 : 1ULL << (len - base - 1); // the last octet there is
	uint64_t controls = k_control64(p) & valid & ~lf & ~cr & ~k_eq64(p, '\t');
	struct block b;

	// The usual quoted-pair at once: one backslash before it. What else there is, one by one.
	if (controls != 0 && base != 0)
		controls &= ~k_eq64(p - 1, '\\') | k_eq64(p - 2, '\\');
	b.ends = lf & after_cr;
	b.folds = b.ends & ~last & (k_eq64(p + 1, ' ') | k_eq64(p + 1, '\t'));
	b.bad = (lf & ~b.ends) | (cr & ~last & ~k_eq64(p + 1, '\n'));
	for (; controls != 0; controls &= controls - 1)
		if (!sip_control_ok(buf, base + ctz64(controls)))
			b.bad |= controls & -controls;
	return b;
}

// The index of any header section: folding, HT, quoted-pairs; names what is wrong and where.
static COLD int careful_index(
	struct sip_msg *msg, const char *buf, size_t len, struct sip_fault *fault)
{
	uint32_t scan = (uint32_t)(len < SIP_HEADER_SECTION_MAX ? len : SIP_HEADER_SECTION_MAX);
	uint64_t previous = 0;
	unsigned int n = 0;

	for (uint32_t base = 0; base < scan; base += 64) {
		struct block b = look(buf, base, scan);
		uint64_t eoh = b.ends & (b.ends << 2 | previous >> 62);
		uint64_t upto = eoh & -eoh ? (eoh & -eoh) - 1 : ~0ULL; // before the end's LF
		uint64_t starts = b.ends & ~b.folds & upto;

		// The start line does not fold: what follows is a line, and no header field.
		if (n == 0 && (b.ends & upto) != 0)
			starts |= b.ends & -b.ends;
		if (b.bad & upto) {
			uint32_t at = base + ctz64(b.bad & upto);

			*fault = (struct sip_fault){buf[at] == '\r' || buf[at] == '\n'
					? SIP_BAD_LINE_END
					: SIP_BAD_CONTROL,
				at};
			return -1;
		}
		for (; starts != 0; starts &= starts - 1) {
			if (n > SIP_HDRS_MAX) {
				*fault = (struct sip_fault){
					SIP_TOO_MANY_HEADERS, msg->hdr_line[SIP_HDRS_MAX]};
				return -1;
			}
			msg->hdr_line[n++] = (uint16_t)(base + ctz64(starts) + 1);
		}
		if (eoh != 0) {
			msg->header_len = (uint16_t)(base + ctz64(eoh) + 1);
			return (int)n - 1;
		}
		previous = b.ends;
	}
	*fault = (struct sip_fault){scan < len ? SIP_HEADERS_TOO_LONG : SIP_TRUNCATED, scan};
	return -1;
}

// What stands in the header section, by kind.
struct seen {
	uint32_t present; // bit id: there is one
	uint64_t single; // how many of each that may stand once, in lanes of eight bits
};

// Whether a token of up to 30 octets and a colon stand at p.
static inline bool is_name(const char *p)
{
	size_t len = k_name_len(p);

	return len - 2 < SIP_NAME_LEN_MAX && k_token_len(p) == len - 1;
}

// Name and value of the header field at p, if it looks like nearly all do: a name of up to 30
// octets, a colon, at most one SP, a value. Returns its slot, or NULL. *value: how far it is to the
// value. Which names have no slot is hard to predict, so there is no branch on it: of those, the
// caller has to ask is_name() before it believes this.
INLINE const struct sip_name_slot *classify(const char *p, size_t *value)
{
	// Without a colon in reach, 32 or more: no slot has so long a name, whichever it is.
	size_t len = k_name_len(p);
	const struct sip_name_slot *name =
		&sip_names[sip_name_slot(k_low_bits(load64(p), 8 * (unsigned int)len), len)];

	name = k_is_name(p, name->octets, (unsigned int)len) ? name : &sip_name_unseen;
	*value = len + 1;
	if (likely(p[len] == ' ' && (unsigned char)p[len + 1] > ' '))
		return name;
	*value = len;
	return (unsigned char)p[len] > ' ' ? name : NULL;
}

INLINE void classified(
	struct sip_msg *restrict msg, size_t i, const struct sip_name_slot *name, struct seen *seen)
{
	seen->present |= name->present;
	seen->single += name->single;
	msg->hdr_id[i] = name->id;
	msg->hdr_first[name->id] = (uint8_t)i;
}

// The same octet by octet. Returns false when the index must be made again with care: a line that
// begins with LWS, or ends without CR.
static bool classify_slow(struct sip_msg *msg, const char *buf, size_t i, bool careful,
	struct seen *seen, struct sip_fault *fault)
{
	struct sip_fault bad;
	uint8_t id;

	if (!careful &&
		(char_is(buf[msg->hdr_line[i]], CH_LWS) || buf[msg->hdr_line[i + 1] - 2] != '\r'))
		return false;
	if (!sip_name_slow(msg, (unsigned int)i, &bad))
		*fault = bad;
	id = msg->hdr_id[i];
	seen->present |= BIT(id);
	seen->single += SIP_SINGLE_LANE(id);
	msg->hdr_first[id] = (uint8_t)i;
	return true;
}

// All header fields, backwards, so that hdr_first is what its name says. Some may be unusual.
static COLD bool classify_any(struct sip_msg *msg, const char *buf, bool careful, struct seen *seen,
	struct sip_fault *fault)
{
	size_t value = 0;
	const struct sip_name_slot *name = NULL;

	*seen = (struct seen){0, 0};
	for (size_t i = msg->nb_hdrs; i-- > 0;) {
		if (KERNEL_FAST)
			name = classify(buf + msg->hdr_line[i], &value);
		if (name == NULL || name == &sip_name_unseen ||
			buf[msg->hdr_line[i + 1] - 2] != '\r') {
			if (!classify_slow(msg, buf, i, careful, seen, fault))
				return false;
			continue;
		}
		classified(msg, i, name, seen);
		msg->hdr_value[i] = (uint16_t)(msg->hdr_line[i] + value);
	}
	return true;
}

// Whether those are names that classify_usual() did not find in a slot.
static COLD bool unseen_are_names(struct sip_msg *msg, const char *buf)
{
	for (unsigned int from = 0; from < msg->nb_hdrs; from += 64) {
		uint64_t unseen = k_eq64((const char *)msg->hdr_id + from, SIP_HDR_UNSEEN);

		unseen = k_low_bits(unseen, msg->nb_hdrs - from);
		for (; unseen != 0; unseen &= unseen - 1) {
			unsigned int i = from + ctz64(unseen);

			if (!is_name(buf + msg->hdr_line[i]))
				return false;
			msg->hdr_id[i] = SIP_HDR_OTHER;
		}
	}
	return true;
}

// The same when none is unusual. No function is called on the way, so all that is constant stays in
// registers. False: classify_any() shall see. Those in no slot are still to be looked at.
INLINE bool classify_usual(struct sip_msg *restrict msg, const char *buf, struct seen *seen)
{
	struct seen all = {0, 0};
	size_t i = msg->nb_hdrs, next = msg->hdr_line[i];

	do {
		size_t value, line = msg->hdr_line[--i];
		const struct sip_name_slot *name = classify(buf + line, &value);

		if (unlikely(name == NULL || (!KERNEL_SEES_CR && buf[next - 2] != '\r')))
			return false;
		classified(msg, i, name, &all);
		msg->hdr_value[i] = (uint16_t)(line + value);
		next = line;
	} while (i > 0);
	*seen = all;
	return true;
}

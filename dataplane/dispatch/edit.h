// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_EDIT_H
#define DISPATCH_EDIT_H

#include <stdint.h>

#include "parser/sip_msg.h"

// What a proxy changes in a message: a few replacements near its front, in ascending order, none
// overlapping. The dataplane moves the octets before the last edit into the mbuf's headroom; a
// stream sends them as an iovec. The body is never touched.

#define EDITS_MAX 24
#define EDIT_TEXT_MAX 1280 // octets put in by all edits of one message

struct edit {
	uint16_t off; // in the message before any edit
	uint16_t removed; // octets taken out there
	uint16_t text; // octets put in: offset in edit_list.text ...
	uint16_t text_len; // ... and their number
};

struct edit_list {
	uint8_t nb;
	bool overflow; // an edit did not fit: the message cannot be sent
	uint16_t text_len;
	int32_t growth; // octets that the message grows by, may be negative
	struct edit edits[EDITS_MAX];
	char text[EDIT_TEXT_MAX];
};

static inline void edit_list_init(struct edit_list *list)
{
	list->nb = 0;
	list->overflow = false;
	list->text_len = 0;
	list->growth = 0;
}

// Put an edit where it belongs; there is room.
void edit_insert(struct edit_list *list, struct edit edit);

// Replace `removed` octets at `off` by list->text[text .. text + text_len), which the caller has
// filled in. Keeps the order; of two at the same place the one that removes less comes first.
static inline void edit_add(
	struct edit_list *list, uint32_t off, uint32_t removed, uint32_t text, uint32_t text_len)
{
	struct edit edit = {(uint16_t)off, (uint16_t)removed, (uint16_t)text, (uint16_t)text_len};

	if (list->nb == EDITS_MAX) {
		list->overflow = true;
		return;
	}
	list->growth += (int32_t)text_len - (int32_t)removed;
	if (list->nb == 0 || list->edits[list->nb - 1].off < off)
		list->edits[list->nb++] = edit;
	else
		edit_insert(list, edit);
}

// The only edit of an empty list: the front of the message up to `from` becomes what the caller has
// written from list->text to `end`.
static inline void edit_front(struct edit_list *list, uint32_t from, const char *end)
{
	uint32_t len = (uint32_t)(end - list->text);

	list->edits[0] = (struct edit){0, (uint16_t)from, 0, (uint16_t)len};
	list->nb = 1;
	list->text_len = (uint16_t)len;
	list->growth = (int32_t)len - (int32_t)from;
}

// Append a copy of `text` to list->text, for an edit to put in. What does not fit sets
// list->overflow.
void edit_append(struct edit_list *list, struct strv text);

// Apply to msg.buf[0 .. msg.len) with the result's first octet at `out`; out may overlap msg.buf
// only as out == msg.buf - growth (the headroom case: octets after the last edit then stay where
// they are). Returns the new length: msg.len + growth.
uint32_t edit_apply(const struct sip_msg *msg, const struct edit_list *list, char *out);

// The same of a list whose only edit begins at the message's first octet: a new front, the rest of
// the message moved at most.
uint32_t edit_apply_front(const struct sip_msg *msg, const struct edit_list *list, char *out);

#endif

// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/edit.h"

#include <string.h>

void edit_insert(struct edit_list *list, struct edit edit)
{
	unsigned int i = list->nb;

	for (; i > 0; i--) {
		const struct edit *before = &list->edits[i - 1];

		if (before->off < edit.off ||
			(before->off == edit.off && before->removed <= edit.removed))
			break;
		list->edits[i] = *before;
	}
	list->edits[i] = edit;
	list->nb++;
}

void edit_append(struct edit_list *list, struct strv text)
{
	if (text.len > EDIT_TEXT_MAX - (size_t)list->text_len) {
		list->overflow = true;
		return;
	}
	if (text.len > 0)
		memcpy(list->text + list->text_len, text.ptr, text.len);
	list->text_len = (uint16_t)(list->text_len + text.len);
}

// What stays of the message between two edits, and where it goes.
struct kept {
	uint32_t from, to, len;
};

static inline void move(const char *buf, char *out, const struct kept *k)
{
	// At the front of a message in its headroom nothing moves that need not.
	if (out + k->to != buf + k->from)
		memmove(out + k->to, buf + k->from, k->len);
}

uint32_t edit_apply(const struct sip_msg *msg, const struct edit_list *list, char *out)
{
	struct kept kept[EDITS_MAX + 1];
	const char *buf = msg->buf;
	uint32_t from = 0, to = 0;
	unsigned int nb = list->nb;

	if (nb == 1 && list->edits[0].off == 0)
		return edit_apply_front(msg, list, out);
	for (unsigned int i = 0; i < nb; i++) {
		const struct edit *e = &list->edits[i];

		kept[i] = (struct kept){from, to, e->off - from};
		to += e->off - from + e->text_len;
		from = (uint32_t)e->off + e->removed;
	}
	kept[nb] = (struct kept){from, to, msg->len - from};

	// The two buffers may overlap: what moves towards the end goes last piece first, so that no
	// piece lands on one that has not moved yet.
	for (unsigned int i = 0; i <= nb;) {
		unsigned int end = i;

		while (end <= nb && out + kept[end].to > buf + kept[end].from)
			end++;
		for (unsigned int j = end; j > i; j--)
			move(buf, out, &kept[j - 1]);
		if (end <= nb)
			move(buf, out, &kept[end]);
		i = end + 1;
	}
	for (unsigned int i = 0; i < nb; i++)
		memcpy(out + kept[i].to + kept[i].len, list->text + list->edits[i].text,
			list->edits[i].text_len);
	return kept[nb].to + kept[nb].len;
}

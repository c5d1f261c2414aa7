// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/copy.h"
#include "dataplane/dispatch/edit.h"

// Octets that are moved without a jump on how many there are.
#define MOST 512

uint32_t edit_apply_front(const struct sip_msg *msg, const struct edit_list *list, char *out)
{
	const struct edit *e = &list->edits[0];
	const char *kept = msg->buf + e->removed, *text = list->text + e->text;
	char *rest = out + e->text_len;
	uint32_t len = msg->len - e->removed;

	// First the move: the text is not among the octets that it overwrites.
	if (rest != kept)
		move_upto(rest, kept, len, MOST);
	// What is copied in blocks must not reach into the rest.
	if (__builtin_expect(e->text_len >= COPY_BLOCK && e->text_len <= MOST, 1))
		(void)copy_upto(out, text, e->text_len, MOST);
	else
		memcpy(out, text, e->text_len);
	return e->text_len + len;
}

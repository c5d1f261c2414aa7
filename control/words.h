// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_WORDS_H
#define CONTROL_WORDS_H

#include <string.h>

#include "parser/strv.h"

// Cut the text up to the next space off; without a space, all of it.
static inline struct strv words_next(struct strv *text)
{
	const char *space = text->len > 0 ? memchr(text->ptr, ' ', text->len) : NULL;
	struct strv word = *text;

	if (space == NULL) {
		text->len = 0;
		return word;
	}
	word.len = (size_t)(space - text->ptr);
	text->ptr = space + 1;
	text->len -= word.len + 1;
	return word;
}

#endif

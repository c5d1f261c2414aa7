// SPDX-License-Identifier: BSD-3-Clause
#include "config/strbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(struct strbuf *sb, size_t len)
{
	size_t size = sb->size > 0 ? sb->size : 256;
	char *data;

	if (sb->failed)
		return false;
	if (len < sb->size - sb->len && sb->size > 0)
		return true;
	while (size - sb->len <= len)
		size *= 2;
	data = realloc(sb->data, size);
	if (data == NULL) {
		sb->failed = true;
		return false;
	}
	sb->data = data;
	sb->size = size;
	return true;
}

void strbuf_add(struct strbuf *sb, const char *text, size_t len)
{
	if (!reserve(sb, len))
		return;
	if (len > 0)
		memcpy(sb->data + sb->len, text, len);
	sb->len += len;
	sb->data[sb->len] = '\0';
}

void strbuf_puts(struct strbuf *sb, const char *text)
{
	strbuf_add(sb, text, strlen(text));
}

void strbuf_printf(struct strbuf *sb, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0) {
		sb->failed = true;
		return;
	}
	if (!reserve(sb, (size_t)len))
		return;
	va_start(args, fmt);
	vsnprintf(sb->data + sb->len, (size_t)len + 1, fmt, args);
	va_end(args);
	sb->len += (size_t)len;
}

void strbuf_truncate(struct strbuf *sb, size_t len)
{
	if (sb->data == NULL)
		return;
	sb->len = len;
	sb->data[len] = '\0';
}

const char *strbuf_text(const struct strbuf *sb)
{
	return sb->data != NULL && !sb->failed ? sb->data : "";
}

void strbuf_fini(struct strbuf *sb)
{
	free(sb->data);
	*sb = (struct strbuf){0};
}

// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONFIG_STRBUF_H
#define CONFIG_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

// Text that grows. Start with {0}; it is NUL-terminated once anything was added.
//
// A failed allocation sets `failed` and makes every later call a no-op, so that a writer checks
// once, at the end.
struct strbuf {
	char *data;
	size_t len;
	size_t size;
	bool failed;
};

void strbuf_add(struct strbuf *sb, const char *text, size_t len);
void strbuf_puts(struct strbuf *sb, const char *text);
__attribute__((format(printf, 2, 3))) void strbuf_printf(struct strbuf *sb, const char *fmt, ...);

// Shorten to `len` octets, which must not be more than there are.
void strbuf_truncate(struct strbuf *sb, size_t len);

// The text so far, "" if there is none or memory ran out.
const char *strbuf_text(const struct strbuf *sb);

void strbuf_fini(struct strbuf *sb);

#endif

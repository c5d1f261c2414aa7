// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/cli/text.h"

#define LINE_SHOWN_BEFORE 60 // octets of a long line left of the arrow
#define LINE_SHOWN_AFTER 40

int message_read(const char *name, struct message *message)
{
	bool is_stdin = strcmp(name, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	size_t size = 0;
	int error = 0;

	*message = (struct message){.name = name};
	if (fd < 0)
		return -errno;
	while (error == 0) {
		ssize_t nb;

		if (size - message->len < 4096) {
			char *memory;

			size = size > 0 ? size * 2 : 16384;
			memory = realloc(message->memory, size + 2 * SIP_PAD);
			if (memory == NULL) {
				error = -ENOMEM;
				break;
			}
			message->memory = memory;
		}
		nb = read(fd, message->memory + SIP_PAD + message->len, size - message->len);
		if (nb == 0)
			break;
		if (nb < 0)
			error = errno == EINTR ? 0 : -errno;
		else
			message->len += (size_t)nb;
		if (message->len > MESSAGE_SIZE_MAX)
			error = -EFBIG;
	}
	if (!is_stdin)
		close(fd);
	if (error != 0) {
		message_fini(message);
		return error;
	}
	// The padding's content means nothing, but is not left undefined.
	memset(message->memory, 0, SIP_PAD);
	memset(message->memory + SIP_PAD + message->len, 0, SIP_PAD);
	message->octets = message->memory + SIP_PAD;
	return 0;
}

void message_fini(struct message *message)
{
	free(message->memory);
	*message = (struct message){0};
}

static size_t line_start(struct strv octets, size_t off)
{
	while (off > 0 && octets.ptr[off - 1] != '\n')
		off--;
	return off;
}

static void print_line(FILE *out, struct strv line, size_t off)
{
	fprintf(out, "   %05zu  ", off);
	text_escape_octets(out, line);
	fputc('\n', out);
}

// Columns that text_escape_octets() needs.
static int escaped_width(struct strv in)
{
	int width = 0;

	for (size_t i = 0; i < in.len; i++) {
		uint8_t octet = (uint8_t)in.ptr[i];

		if (octet == '\r' || octet == '\n' || octet == '\t' || octet == '\\')
			width += 2;
		else
			width += octet >= 0x20 && octet < 0x7f ? 1 : 4;
	}
	return width;
}

void message_print_arrow(FILE *out, struct strv octets, size_t off, size_t first)
{
	size_t start, end;
	size_t starts[2];
	int nb_before = 0;

	if (octets.len == 0)
		return;
	if (off > octets.len)
		off = octets.len;
	start = line_start(octets, off);
	end = start;
	while (end < octets.len && (end == start || octets.ptr[end - 1] != '\n'))
		end++;
	for (size_t before = start; before > 0 && nb_before < 2; nb_before++) {
		before = line_start(octets, before - 1);
		starts[nb_before] = before;
	}
	for (int i = nb_before - 1; i >= 0; i--) {
		size_t next = i > 0 ? starts[i - 1] : start;
		size_t len = next - starts[i];

		if (len > LINE_SHOWN_BEFORE + LINE_SHOWN_AFTER)
			len = LINE_SHOWN_BEFORE + LINE_SHOWN_AFTER;
		print_line(out, (struct strv){octets.ptr + starts[i], len}, first + starts[i]);
	}
	if (off - start > LINE_SHOWN_BEFORE)
		start = off - LINE_SHOWN_BEFORE;
	if (end - off > LINE_SHOWN_AFTER)
		end = off + LINE_SHOWN_AFTER;
	print_line(out, (struct strv){octets.ptr + start, end - start}, first + start);
	fprintf(out, "%*s^\n", 10 + escaped_width((struct strv){octets.ptr + start, off - start}),
		"");
}

char *message_unfold(struct strv value, size_t *len)
{
	char *out = malloc(value.len + 1);
	size_t used = 0;

	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < value.len;) {
		size_t end = i;
		bool folded = false;

		// A run of LWS with a line end in it is a fold.
		while (end < value.len && strchr(" \t\r\n", value.ptr[end]) != NULL &&
			value.ptr[end] != '\0') {
			folded |= value.ptr[end] == '\n';
			end++;
		}
		if (folded) {
			out[used++] = ' ';
			i = end;
			continue;
		}
		if (end == i)
			end++;
		memcpy(out + used, value.ptr + i, end - i);
		used += end - i;
		i = end;
	}
	out[used] = '\0';
	*len = used;
	return out;
}

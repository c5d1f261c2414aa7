// SPDX-License-Identifier: BSD-3-Clause
#include "control/redis_frame.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define NUMBER_LINE_MAX 24 // type, sign, 19 digits, CR LF

// The number of a header line "<type>[-]<digits>".
static bool parse_number(const char *line, size_t len, int64_t *number)
{
	bool negative = len > 1 && line[1] == '-';
	size_t i = negative ? 2 : 1;
	uint64_t value = 0;

	if (i == len || len - i > 19)
		return false;
	// Redis writes no leading zeros and no -0, and hiredis takes none.
	if (line[i] == '0' && (negative || len - i > 1))
		return false;
	for (; i < len; i++) {
		if (line[i] < '0' || line[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(line[i] - '0');
	}
	if (value > INT64_MAX)
		return false;
	*number = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

// The length of the line at buf without its CR LF, or -EAGAIN, or what is wrong with it.
static int find_line(const char *buf, size_t len)
{
	size_t max = REDIS_FRAME_LINE_MAX;
	const char *end;

	if (len == 0)
		return -EAGAIN;
	if (buf[0] == '$' || buf[0] == '*' || buf[0] == ':')
		max = NUMBER_LINE_MAX;
	else if (buf[0] != '+' && buf[0] != '-')
		return -EBADMSG;
	end = memchr(buf, '\r', len < max ? len : max);
	if (end == NULL)
		return len < max ? -EAGAIN : -EMSGSIZE;
	if (end + 1 == buf + len)
		return -EAGAIN;
	return end[1] == '\n' ? (int)(end - buf) : -EBADMSG;
}

// One element is complete: so are the arrays that it was the last of.
static bool close_element(struct redis_frame *frame)
{
	while (frame->depth > 0 && --frame->left[frame->depth - 1] == 0)
		frame->depth--;
	return frame->depth == 0;
}

static int open_array(
	struct redis_frame *frame, const struct redis_frame_limits *limits, int64_t number)
{
	if (number > limits->elements - frame->elements)
		return -EMSGSIZE;
	if (frame->depth == REDIS_FRAME_DEPTH)
		return -EBADMSG;
	frame->elements += (uint32_t)number;
	frame->left[frame->depth++] = (uint32_t)number;
	return 0;
}

// Returns like redis_frame_scan(), or 2 when one element was read and the reply is not complete.
static int scan_element(struct redis_frame *frame, const struct redis_frame_limits *limits,
	const char *buf, size_t len)
{
	const char *start = buf + frame->pos;
	int line = find_line(start, len - frame->pos);
	int64_t number = 0;
	size_t size;
	int ret;

	if (line < 0)
		return line == -EAGAIN ? 0 : line;
	size = (size_t)line + 2;
	if (start[0] == '$' || start[0] == '*' || start[0] == ':')
		if (!parse_number(start, (size_t)line, &number))
			return -EBADMSG;
	if (start[0] == '$' || start[0] == '*') {
		if (number < -1)
			return -EBADMSG;
		if (start[0] == '*' && number > 0) {
			ret = open_array(frame, limits, number);
			frame->pos += size;
			return ret < 0 ? ret : 2;
		}
		if (start[0] == '$' && number >= 0) {
			if ((uint64_t)number > limits->octets)
				return -EMSGSIZE;
			size += (size_t)number + 2;
			if (len - frame->pos < size)
				return frame->pos + size > limits->octets ? -EMSGSIZE : 0;
			if (memcmp(start + size - 2, "\r\n", 2) != 0)
				return -EBADMSG;
		}
	}
	frame->pos += size;
	return close_element(frame) ? 1 : 2;
}

int redis_frame_scan(struct redis_frame *frame, const struct redis_frame_limits *limits,
	const char *buf, size_t len)
{
	int ret;

	do {
		ret = scan_element(frame, limits, buf, len);
		if (ret >= 0 && frame->pos > limits->octets)
			return -EMSGSIZE;
	} while (ret == 2);
	return ret;
}

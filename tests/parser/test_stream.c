// SPDX-License-Identifier: BSD-3-Clause
// The stream framer: the same messages however the stream is cut, and no octet outside is read.
#include "tests/parser/guarded.h"

#include "parser/sip_stream.h"

#include <check.h>
#include <stdio.h>

#define HEADER_MAX 16384
#define BODY_MAX 65536
#define EVENTS_MAX 4096

#define HEAD(length)                                                                              \
	"OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n" length "\r" \
	"\n"
#define EMPTY HEAD("Content-Length: 0\r\n")
#define PING "\r\n\r\n"

// What came out of a stream: "M242 P4 Ebad-line-end", or "." for more.
static void feed(const char *octets, size_t len, size_t piece, char *events)
{
	struct sip_stream s;
	size_t from = 0, have = 0;

	sip_stream_init(&s, HEADER_MAX, BODY_MAX);
	events[0] = '\0';
	while (have < len || from < have) {
		struct guarded g;
		struct sip_frame f;
		enum sip_stream_result r;

		have = have + piece < len ? have + piece : len;
		// Exactly these octets can be read.
		g = guarded_new(octets + from, have - from, GUARD_BEHIND, 0);
		r = sip_stream_next(&s, g.buf, g.len, &f);
		guarded_free(&g);
		if (r == SIP_STREAM_MORE && have == len)
			break;
		if (r == SIP_STREAM_MORE)
			continue;
		events += sprintf(events,
			r == SIP_STREAM_ERROR          ? "E%s "
				: r == SIP_STREAM_PING ? "P%s "
						       : "M%s ",
			r == SIP_STREAM_ERROR ? sip_reason_name(sip_stream_reason(&s)) : "");
		if (r == SIP_STREAM_ERROR)
			return;
		events += sprintf(events, "%u+%u ", f.off, f.len);
		from += f.off + f.len;
		if (from == len)
			break;
	}
	sprintf(events, "%s", from == len ? "end" : "more");
}

static const struct {
	const char *stream;
	const char *events;
} streams[] = {
	{"", "end"},
	{EMPTY, "M 0+92 end"},
	{EMPTY EMPTY, "M 0+92 M 0+92 end"},
	{HEAD("l:4\r\n") "\r\n\r\n" EMPTY, "M 0+82 M 0+92 end"},
	{HEAD("Content-Length :\r\n 3\r\n") "abc", "M 0+98 end"},
	{HEAD("X: a\r\n content-length: 9\r\nL: 1\r\n") "x", "M 0+106 end"},
	{PING EMPTY, "P 0+4 M 0+92 end"},
	{"\r\n" EMPTY, "M 2+92 end"},
	{PING "\r\n" EMPTY PING, "P 0+4 M 2+92 P 0+4 end"},
	{"\r\n", "more"},
	{HEAD("Content-Length: 5\r\n") "1234", "more"},
	{"OPTIONS sip:b@example.com SIP/2.0\r\nVia: x\r\n", "more"},
	{HEAD(""), "Eno-content-length "},
	{HEAD("l: 1\r\nContent-Length: 1\r\n") "x", "Eduplicate-header "},
	{HEAD("l: 0\r\nl: 0\r\n"), "Eduplicate-header "},
	{HEAD("Content-Length: -1\r\n"), "Ebad-content-length "},
	{HEAD("Content-Length: \r\n"), "Ebad-content-length "},
	{HEAD("Content-Length: 1 2\r\n"), "Ebad-content-length "},
	{HEAD("Content-Length: 4294967296\r\n"), "Ebad-content-length "},
	{HEAD("Content-Length: 65537\r\n"), "Ebody-too-long "},
	{HEAD("no colon\r\nl: 0\r\n"), "Ebad-header-name "},
	{"OPTIONS sip:b@example.com SIP/2.0\r\n l: 0\r\n\r\n", "Ebad-header-name "},
	{"OPTIONS sip:b SIP/2.0\nl: 0\n\n", "Ebad-line-end "},
	{"\n" EMPTY, "Ebad-line-end "},
	{"\r\n\n", "Ebad-line-end "},
	{"\rx", "Ebad-line-end "},
	{"\r\n\rx", "Ebad-line-end "},
};

START_TEST(the_cut_does_not_matter)
{
	const char *stream = streams[_i].stream;
	size_t len = strlen(stream);
	char events[EVENTS_MAX];

	for (size_t piece = 1; piece <= len + 1; piece++) {
		feed(stream, len, piece, events);
		// What is left over after the last message of a stream that is too short is the
		// caller's; before it, pings may be seen or not yet.
		ck_assert_msg(strcmp(events, streams[_i].events) == 0,
			"pieces of %zu: '%s', wanted '%s'", piece, events, streams[_i].events);
	}
}
END_TEST

// A stream that only begins, and then repeats something.
static enum sip_reason flood(const char *begin, const char *repeated, size_t *len)
{
	size_t room = 1 << 20, n = strlen(begin);
	char *octets = malloc(room);
	struct sip_stream s;
	struct sip_frame f;
	enum sip_stream_result r = SIP_STREAM_MORE;

	memcpy(octets, begin, n);
	sip_stream_init(&s, HEADER_MAX, BODY_MAX);
	while (r == SIP_STREAM_MORE && n + strlen(repeated) < room) {
		memcpy(octets + n, repeated, strlen(repeated));
		n += strlen(repeated);
		r = sip_stream_next(&s, octets, n, &f);
	}
	*len = n;
	free(octets);
	return r == SIP_STREAM_ERROR ? sip_stream_reason(&s) : SIP_OK;
}

START_TEST(limits_what_it_waits_for)
{
	size_t len;

	ck_assert_int_eq(flood("", "x", &len), SIP_HEADERS_TOO_LONG);
	ck_assert_uint_eq(len, HEADER_MAX);
	ck_assert_int_eq(
		flood("INVITE sip:a SIP/2.0\r\nX:", "0123456789", &len), SIP_HEADERS_TOO_LONG);
	ck_assert_uint_le(len, HEADER_MAX + 10);
	ck_assert_int_eq(flood("INVITE sip:a SIP/2.0\r\n", "X: y\r\n", &len), SIP_TOO_MANY_HEADERS);
	ck_assert_int_eq(
		flood("INVITE sip:a SIP/2.0\r\nX: y\r\n", " z\r\n", &len), SIP_TOO_MANY_HEADERS);
}
END_TEST

START_TEST(stays_in_error)
{
	struct sip_stream s;
	struct sip_frame f;

	sip_stream_init(&s, HEADER_MAX, BODY_MAX);
	ck_assert_int_eq(sip_stream_next(&s, "\n", 1, &f), SIP_STREAM_ERROR);
	ck_assert_int_eq(sip_stream_next(&s, EMPTY, sizeof(EMPTY) - 1, &f), SIP_STREAM_ERROR);
}
END_TEST

START_TEST(an_error_frame_can_be_answered)
{
	static const char request[] =
		"OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n"
		"Content-Length: nine\r\n\r\n";
	struct guarded g = guarded_new(request, sizeof(request) - 1, GUARD_BEHIND, 0);
	struct sip_stream s;
	struct sip_frame f;
	struct sip_msg msg;

	sip_stream_init(&s, HEADER_MAX, BODY_MAX);
	ck_assert_int_eq(sip_stream_next(&s, g.buf, g.len, &f), SIP_STREAM_ERROR);
	ck_assert_int_eq(sip_parse(&msg, g.buf + f.off, f.len), SIP_BAD_CONTENT_LENGTH);
	ck_assert(msg.can_reply);
	guarded_free(&g);
}
END_TEST

static size_t read_corpus(const char *name, char *octets, size_t room)
{
	const char *dir = getenv("SIPSHUNT_CORPUS");
	char path[4096];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/stream/%s", dir != NULL ? dir : CORPUS_DIR, name);
	f = fopen(path, "rb");
	if (f == NULL)
		return 0;
	len = fread(octets, 1, room, f);
	fclose(f);
	return len;
}

static const struct {
	const char *name;
	const char *events; // as MANIFEST.tsv says: frames, incomplete, error
} corpus[] = {
	{"two-messages.dat", "M 0+242 M 0+254 end"},
	{"crlf-between.dat", "M 0+242 P 0+4 M 0+231 end"},
	{"leading-crlf.dat", "P 0+4 M 2+242 end"},
	{"split-eoh.dat", "more"},
	{"split-crlf.dat", "more"},
	{"no-content-length.dat", "Eno-content-length "},
	{"cl-bad.dat", "E"},
	{"huge-header.dat", "Eheaders-too-long "},
	{"three.dat", "M 0+242 M 0+254 M 0+231 end"},
};

START_TEST(frames_the_corpus)
{
	static char octets[131072];
	size_t len = read_corpus(corpus[_i].name, octets, sizeof(octets));
	char events[EVENTS_MAX];

	for (size_t piece = len > 1000 ? 977 : 1; len > 0 && piece <= len; piece += 1 + len / 300) {
		feed(octets, len, piece, events);
		ck_assert_msg(strncmp(events, corpus[_i].events, strlen(corpus[_i].events)) == 0,
			"%s, pieces of %zu: '%s'", corpus[_i].name, piece, events);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stream");
	TCase *tc = tcase_create("stream");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, the_cut_does_not_matter, 0, sizeof(streams) / sizeof(streams[0]));
	tcase_add_loop_test(tc, frames_the_corpus, 0, sizeof(corpus) / sizeof(corpus[0]));
	tcase_add_test(tc, limits_what_it_waits_for);
	tcase_add_test(tc, stays_in_error);
	tcase_add_test(tc, an_error_frame_can_be_answered);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

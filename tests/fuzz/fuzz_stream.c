// SPDX-License-Identifier: BSD-3-Clause
// A stream, cut where its first octets say: the frames must be those of the uncut stream, and a
// frame that sip_parse() accepts must be one whole message to it.
#include "tests/fuzz/fuzz.h"

#include "parser/sip_stream.h"

#include <string.h>

#define EVENTS_MAX 512
#define CUTS 4

struct event {
	enum sip_stream_result result;
	enum sip_reason reason;
	size_t off;
	uint32_t len;
};

static unsigned int run(const char *octets, size_t len, const uint8_t *cuts, struct event *events)
{
	struct sip_stream s;
	size_t from = 0, have = 0;
	unsigned int n = 0, cut = 0;

	sip_stream_init(&s, 4096, 4096);
	while (n < EVENTS_MAX) {
		struct sip_frame f;
		enum sip_stream_result r = sip_stream_next(&s, octets + from, have - from, &f);

		if (r == SIP_STREAM_MORE) {
			if (have == len)
				break;
			have = cuts == NULL ? len : have + 1 + cuts[cut++ % CUTS];
			have = have > len ? len : have;
			continue;
		}
		if (f.off + (size_t)f.len > have - from)
			fuzz_fail("a frame outside");
		events[n++] = (struct event){r, sip_stream_reason(&s), from + f.off, f.len};
		if (r == SIP_STREAM_ERROR)
			break;
		from += f.off + f.len;
	}
	return n;
}

static void check_frame(const char *octets, uint32_t len)
{
	static char room[8192 + 2 * SIP_PAD];
	struct sip_msg msg;

	memcpy(room + SIP_PAD, octets, len);
	if (sip_parse(&msg, room + SIP_PAD, len) == SIP_OK &&
		(msg.skipped != 0 || msg.len != len || !msg.has_content_length))
		fuzz_fail("parser and framer disagree on where a message ends");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct event whole[EVENTS_MAX], cut[EVENTS_MAX];
	unsigned int nb_whole, nb_cut;
	const char *octets;

	if (len < CUTS || len > FUZZ_MAX)
		return 0;
	octets = (const char *)data + CUTS;
	nb_whole = run(octets, len - CUTS, NULL, whole);
	nb_cut = run(octets, len - CUTS, data, cut);
	if (nb_whole != nb_cut)
		fuzz_fail("another number of frames when cut");
	for (unsigned int i = 0; i < nb_whole; i++) {
		if (whole[i].result != cut[i].result)
			fuzz_fail("another frame when cut");
		if (whole[i].result == SIP_STREAM_ERROR)
			break;
		if (whole[i].off != cut[i].off || whole[i].len != cut[i].len)
			fuzz_fail("a frame of another length when cut");
		if (whole[i].result == SIP_STREAM_MESSAGE)
			check_frame(octets + whole[i].off, whole[i].len);
	}
	return 0;
}

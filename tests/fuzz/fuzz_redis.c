// SPDX-License-Identifier: BSD-3-Clause
// Any octets as what Redis sends: the scanner ends a reply where hiredis does, whatever the split,
// and lets nothing through that hiredis stumbles over. And any octets as values that other nodes
// wrote: what is read and written again is read the same.
#include "tests/fuzz/fuzz.h"

#include "control/cluster_admin.h"
#include "control/redis_frame.h"
#include "control/registrations_value.h"

#include <hiredis/hiredis.h>

#include <string.h>

static const struct redis_frame_limits limits = {.octets = 65536, .elements = 1000};

// The same octets, one more at a time: the same end or the same refusal.
static void scan_in_steps(const char *data, size_t len, int whole, size_t whole_pos)
{
	struct redis_frame frame = {0};
	size_t given = 0;
	int ret = 0;

	while (ret == 0 && given < len)
		ret = redis_frame_scan(&frame, &limits, data, ++given);
	if (ret != whole)
		fuzz_fail("another answer in steps");
	if (ret == 1 && (frame.pos != whole_pos || given != whole_pos))
		fuzz_fail("another end in steps");
}

static void check_hiredis(const char *data, size_t len)
{
	redisReader *reader = redisReaderCreate();
	void *reply = NULL;

	if (redisReaderFeed(reader, data, len) != REDIS_OK ||
		redisReaderGetReply(reader, &reply) != REDIS_OK || reply == NULL)
		fuzz_fail("hiredis does not take what the scanner let through");
	freeReplyObject(reply);
	reply = NULL;
	if (redisReaderGetReply(reader, &reply) != REDIS_OK || reply != NULL)
		fuzz_fail("hiredis found more than one reply");
	redisReaderFree(reader);
}

static void check_replies(const char *data, size_t len)
{
	for (;;) {
		struct redis_frame frame = {0};
		int ret = redis_frame_scan(&frame, &limits, data, len);

		if (len < 4096)
			scan_in_steps(data, len, ret, frame.pos);
		if (ret != 1)
			return;
		if (frame.pos == 0 || frame.pos > len)
			fuzz_fail("a reply without octets, or with more than there are");
		check_hiredis(data, frame.pos);
		data += frame.pos;
		len -= frame.pos;
	}
}

static void check_values(struct strv text)
{
	char binding[REGISTRATIONS_VALUE_MAX], wish[CLUSTER_ADMIN_VALUE_MAX];
	struct registrations_value value, value_again;
	struct override override, override_again;

	if (registrations_value_parse(text, &value) == 0) {
		struct strv out = {binding, registrations_value_format(&value, binding)};

		if (registrations_value_parse(out, &value_again) < 0 ||
			value_again.version != value.version ||
			value_again.expires_ms != value.expires_ms ||
			!endpoint_eq(&value_again.flow, &value.flow) ||
			!strv_eq(value_again.backend, value.backend))
			fuzz_fail("a binding changed on its way");
	}
	if (cluster_admin_parse(text, &override) == 0) {
		struct strv out = {wish, cluster_admin_format(&override, wish)};

		if (cluster_admin_parse(out, &override_again) < 0 ||
			override_again.revision != override.revision ||
			override_again.set != override.set ||
			strcmp(override_again.reason, override.reason) != 0)
			fuzz_fail("an override changed on its way");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	check_replies((const char *)data, len);
	check_values((struct strv){(const char *)data, len});
	return 0;
}

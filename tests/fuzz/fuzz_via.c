// SPDX-License-Identifier: BSD-3-Clause
// A Via value: in a message, where kernels and reference must agree; and alone, where what comes
// out must be inside and give the same again.
#include "tests/fuzz/fuzz.h"
#include "tests/parser/same.h"

#include <string.h>

static const char before[] = "OPTIONS sip:b@example.com SIP/2.0\r\nVia: ";
static const char after[] = "\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\n"
			    "CSeq: 1 OPTIONS\r\n\r\n";

static void alone(const uint8_t *data, size_t len)
{
	struct sip_msg msg = fuzz_value(data, len);
	struct sip_slice all = {0, (uint16_t)len};
	struct sip_via via, again;

	// They are compared with what the compiler puts between their members.
	memset(&via, 0, sizeof(via));
	memset(&again, 0, sizeof(again));
	if (sip_via_parse(&msg, all, &via) != 0)
		return;
	if ((size_t)via.value.off + via.value.len > len)
		fuzz_fail("value outside");
	if (sip_via_parse(&msg, via.value, &again) != 0 || memcmp(&via, &again, sizeof(via)) != 0)
		fuzz_fail("the value alone is another Via");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char message[FUZZ_MAX + sizeof(before) + sizeof(after)];
	size_t n = sizeof(before) - 1;
	const char *what;

	if (len > 8192)
		return 0;
	memcpy(message, before, n);
	memcpy(message + n, data, len);
	memcpy(message + n + len, after, sizeof(after) - 1);
	what = kernels_differ(message, n + len + sizeof(after) - 1);
	if (what != NULL)
		fuzz_fail(what);
	alone(data, len);
	return 0;
}

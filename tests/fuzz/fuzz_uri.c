// SPDX-License-Identifier: BSD-3-Clause
// An address: as From in a message, where kernels and reference must agree on the tag; and as
// name-addr and URI, where what comes out must be inside.
#include "tests/fuzz/fuzz.h"
#include "tests/parser/same.h"

#include <string.h>

static const char before[] = "OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nRoute: ";
static const char between[] = "\r\nFrom: ";
static const char after[] = "\r\nTo: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n";

static void inside(struct sip_slice s, size_t len)
{
	if ((size_t)s.off + s.len > len)
		fuzz_fail("a slice outside");
}

static void check_uri(const struct sip_msg *msg, struct sip_slice s, size_t len)
{
	struct sip_slice value;
	struct sip_uri uri;

	if (sip_uri_parse(msg, s, &uri) != 0)
		return;
	inside(uri.scheme, len);
	inside(uri.user, len);
	inside(uri.host, len);
	inside(uri.params, len);
	inside(uri.maddr, len);
	if (uri.is_sip && uri.host.len == 0)
		fuzz_fail("a SIP URI without host");
	if (uri.lr && !sip_param_find(msg, uri.params, STRV("lr"), &value))
		fuzz_fail("lr is there and cannot be found");
}

static void alone(const uint8_t *data, size_t len)
{
	struct sip_msg msg = fuzz_value(data, len);
	struct sip_slice all = {0, (uint16_t)len};
	struct sip_name_addr addr;

	check_uri(&msg, all, len);
	if (sip_name_addr_parse(&msg, all, &addr) != 0)
		return;
	inside(addr.value, len);
	inside(addr.uri, len);
	inside(addr.params, len);
	if (!addr.star)
		check_uri(&msg, addr.uri, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char message[3 * FUZZ_MAX];
	size_t n = 0;
	const char *what;

	if (len > 8192 || len == 0)
		return 0;
	// The first octet says whether it is a Route too.
	if (data[0] & 1) {
		memcpy(message, before, sizeof(before) - 1);
		n = sizeof(before) - 1;
		memcpy(message + n, data + 1, len - 1);
		n += len - 1;
	} else {
		n = sizeof(before) - 1 - strlen("\r\nRoute: ");
		memcpy(message, before, n);
	}
	memcpy(message + n, between, sizeof(between) - 1);
	n += sizeof(between) - 1;
	memcpy(message + n, data + 1, len - 1);
	n += len - 1;
	memcpy(message + n, after, sizeof(after) - 1);
	what = kernels_differ(message, n + sizeof(after) - 1);
	if (what != NULL)
		fuzz_fail(what);
	alone(data + 1, len - 1);
	return 0;
}

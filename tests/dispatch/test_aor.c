// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/aor.h"

#include "dataplane/dispatch/kernel.h"
#include "dataplane/dispatch/siphash.h"
#include "tests/dispatch/aor_kernel.h"
#include "tests/dispatch/suite.h"

#include <string.h>

static const struct kernel {
	const char *name;
	aor_in_place_fn *in_place;
} kernels[] = {
	{"generic", aor_in_place_generic},
#if defined(__x86_64__)
	{"avx2", aor_in_place_avx2},
	{"avx512", aor_in_place_avx512},
#endif
};

static bool has_vectors(const struct kernel *kernel)
{
	return strcmp(kernel->name, "generic") != 0;
}

// A URI in the middle of octets that could belong to it.
static struct sip_msg *message(const char *uri, struct sip_slice *slice)
{
	static char octets[512];
	static struct sip_msg msg;

	// What stands around it could be more of it, as far as the line's end.
	memset(octets, 'a', sizeof(octets));
	octets[sizeof(octets) - SIP_PAD - 1] = '\r';
	memcpy(octets + 100, uri, strlen(uri));
	msg.buf = octets;
	*slice = (struct sip_slice){100, (uint16_t)strlen(uri)};
	return &msg;
}

static uint32_t in_place(const struct kernel *kernel, const char *uri)
{
	struct sip_slice slice;
	const struct sip_msg *msg = message(uri, &slice);

	return kernel->in_place(msg, slice);
}

static const char *const taken[] = {
	"sip:a@b",
	"SIP:alice@example.com",
	"sip:+49.30_1-2@10.20.1.1",
	"sip:Alice@example.com", // the user keeps its case
	"sip:0123456789012345678901234567890123456789@example.example.example",
};

static const char *const left[] = {
	"sip:example.com",
	"sip:@example.com",
	"sip:alice@",
	"sip:alice@Example.com",
	"sip:a@b@c",
	"sip:alice:secret@example.com",
	"sip:alice@example.com:5060",
	"sip:alice@example.com;user=phone",
	"sip:alice@example.com?subject=x",
	"sip:alice@[2001:db8::1]",
	"sip:alice@ex_ample.com",
	"sip:al%69ce@example.com",
	"sip:alice;x@example.com",
	"sip:al\xc3\xa9@example.com",
	"sip:alice@ex\xe1mple.com",
	"sips:alice@example.com",
	"tel:+49301234",
	"tel:alice@example.com",
	"sip;alice@example.com",
	"sip:",
	"sip",
	"",
	"sip:01234567890123456789012345678901234567890@example.example.example",
	"sip:01234567890123456789012345678901234567890@example.example.example.example",
};

START_TEST(takes_what_is_written_as_it_is_hashed)
{
	const struct kernel *kernel = &kernels[_i];

	if (!kernel_runs_here(kernel->name) || !has_vectors(kernel))
		return;
	for (unsigned int i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		ck_assert_msg(in_place(kernel, taken[i]) == strlen(taken[i]) - AOR_AT, "%s, %s",
			kernel->name, taken[i]);
}
END_TEST

START_TEST(leaves_everything_else)
{
	const struct kernel *kernel = &kernels[_i];

	if (!kernel_runs_here(kernel->name))
		return;
	for (unsigned int i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		ck_assert_msg(in_place(kernel, left[i]) == 0, "%s, %s", kernel->name, left[i]);
}
END_TEST

START_TEST(takes_these_octets_and_no_others)
{
	static const char in_host[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
	static const char in_user[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_+";
	const struct kernel *kernel = &kernels[_i];
	char uri[] = "sip:alice@example.com";

	if (!kernel_runs_here(kernel->name) || !has_vectors(kernel))
		return;
	for (int c = 1; c < 256; c++) {
		bool host = strchr(in_host, c) != NULL, user = host || strchr(in_user, c) != NULL;

		uri[6] = (char)c;
		ck_assert_msg((in_place(kernel, uri) != 0) == user, "%d in the user", c);
		uri[6] = 'i';
		uri[12] = (char)c;
		ck_assert_msg((in_place(kernel, uri) != 0) == host, "%d in the host", c);
		uri[12] = 'a';
	}
}
END_TEST

// What it takes is what the parser says, and gives the same hash.
START_TEST(is_what_the_parser_says)
{
	static const char alphabet[] = "abzAZ09.-_+@@:;?%[]~\x80\xff";
	const struct kernel *kernel = &kernels[_i];
	uint8_t key[16] = "0123456789abcde";
	uint64_t random = 7;
	unsigned int nb_taken = 0;

	if (!kernel_runs_here(kernel->name) || !has_vectors(kernel))
		return;
	for (unsigned int round = 0; round < 300000; round++) {
		char uri[80] = "sip:";
		struct sip_slice slice;
		struct sip_uri u;
		struct sip_msg *msg;
		unsigned int len = 4 + (unsigned int)(random >> 40) % 12;
		uint32_t n;

		for (unsigned int i = 4; i < len; i++) {
			random = random * 6364136223846793005 + 1442695040888963407;
			uri[i] = alphabet[(random >> 33) % (round % 2 ? 12 : sizeof(alphabet) - 1)];
		}
		random = random * 6364136223846793005 + 1442695040888963407;
		msg = message(uri, &slice);
		n = kernel->in_place(msg, slice);
		if (n == 0)
			continue;
		nb_taken++;
		ck_assert_msg(
			sip_uri_parse(msg, slice, &u) == 0 && u.is_sip && !u.is_sips, "%s", uri);
		ck_assert_uint_eq(u.port, 0);
		ck_assert_uint_eq(u.params.len, 0);
		ck_assert_uint_eq(siphash13(key, msg->buf + slice.off + AOR_AT, n),
			siphash_user_host(key, sip_strv(msg, u.user), sip_strv(msg, u.host)));
	}
	ck_assert_uint_gt(nb_taken, 1000);
}
END_TEST

int main(void)
{
	const int nb = sizeof(kernels) / sizeof(kernels[0]);
	TCase *tcase = tcase_create("aor");

	tcase_add_loop_test(tcase, takes_what_is_written_as_it_is_hashed, 0, nb);
	tcase_add_loop_test(tcase, leaves_everything_else, 0, nb);
	tcase_add_loop_test(tcase, takes_these_octets_and_no_others, 0, nb);
	tcase_add_loop_test(tcase, is_what_the_parser_says, 0, nb);
	return run_suite("aor", tcase);
}

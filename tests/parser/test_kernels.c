// SPDX-License-Identifier: BSD-3-Clause
// All kernels and the reference give the same answer for the same octets, whatever stands around
// them: our messages, and mutations of them.
#include "tests/parser/guarded.h"
#include "tests/parser/same.h"

#include "parser/internal.h"
#include "parser/kernel_sets.h"
#include "parser/sip_kernel.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>

#define MESSAGE_MAX 70000
#define SEEDS_MAX 512

struct seed {
	char *octets;
	size_t len;
	char name[64];
};

static struct seed seeds[SEEDS_MAX];
static unsigned int nb_seeds;
static uint64_t random_state = 88172645463325252ULL;

static uint32_t draw(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % below;
}

static void load_seeds(void)
{
	DIR *dir = opendir(MESSAGES_DIR);
	struct dirent *entry;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL && nb_seeds < SEEDS_MAX) {
		struct seed *s = &seeds[nb_seeds];
		char path[4096];
		FILE *f;

		if (strstr(entry->d_name, ".sip") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/%s", MESSAGES_DIR, entry->d_name);
		snprintf(s->name, sizeof(s->name), "%.60s", entry->d_name);
		f = fopen(path, "rb");
		ck_assert_ptr_nonnull(f);
		s->octets = malloc(MESSAGE_MAX);
		s->len = fread(s->octets, 1, MESSAGE_MAX, f);
		fclose(f);
		nb_seeds++;
	}
	closedir(dir);
	ck_assert_uint_gt(nb_seeds, 100);
}

START_TEST(agree_on_our_messages)
{
	load_seeds();
	for (unsigned int i = 0; i < nb_seeds; i++) {
		const char *what = kernels_differ(seeds[i].octets, seeds[i].len);

		ck_assert_msg(what == NULL, "%s: %s", seeds[i].name, what);
	}
}
END_TEST

START_TEST(agree_on_every_prefix)
{
	load_seeds();
	for (unsigned int i = 0; i < nb_seeds; i += 7) {
		for (size_t len = 0; len < seeds[i].len && len < 600; len++) {
			const char *what = kernels_differ(seeds[i].octets, len);

			ck_assert_msg(what == NULL, "%s cut at %zu: %s", seeds[i].name, len, what);
		}
	}
}
END_TEST

// One octet, a piece of another message, or a line more or less.
static size_t mutate(char *octets, size_t len)
{
	static const char interesting[] = "\r\n\t \";:,<>@=?()[]\\/%\0\x01\x7f\xff"
					  "0129azAZ";
	const struct seed *other = &seeds[draw(nb_seeds)];
	size_t at = len ? draw((uint32_t)len) : 0, n = 1 + draw(12);

	switch (draw(5)) {
	case 0:
	case 1:
		if (len > 0)
			octets[at] = interesting[draw(sizeof(interesting) - 1)];
		return len;
	case 2:
		if (at + n > len)
			return len;
		memmove(octets + at, octets + at + n, len - at - n);
		return len - n;
	case 3:
		if (other->len < n)
			return len;
		memmove(octets + at + n, octets + at, len - at);
		memcpy(octets + at, other->octets + draw((uint32_t)(other->len - n + 1)), n);
		return len + n;
	default:
		n = 1 + draw(70);
		memmove(octets + at + n, octets + at, len - at);
		memset(octets + at, interesting[draw(sizeof(interesting) - 1)], n);
		return len + n;
	}
}

START_TEST(agree_on_mutations)
{
	static char octets[MESSAGE_MAX];

	load_seeds();
	random_state += (uint64_t)_i * 0x9e3779b97f4a7c15ULL;
	for (unsigned int round = 0; round < 3000; round++) {
		const struct seed *s = &seeds[draw(nb_seeds)];
		size_t len = s->len;
		const char *what;

		if (len > 3000)
			continue;
		memcpy(octets, s->octets, len);
		for (uint32_t n = 1 + draw(3); n > 0; n--)
			len = mutate(octets, len);
		what = kernels_differ(octets, len);
		if (what != NULL) {
			FILE *f = fopen("kernels-differ.sip", "wb");

			fwrite(octets, 1, len, f);
			fclose(f);
		}
		ck_assert_msg(
			what == NULL, "from %s, kept in kernels-differ.sip: %s", s->name, what);
	}
}
END_TEST

// All that has a fast path, in a few octets.
static const char *const dense[] = {
	"INVITE sip:a@b.c SIP/2.0\r\n"
	"Via: SIP/2.0/UDP h-1:5060;branch=z9;rport=7;received=1.2.3.4;x=y;z\r\n"
	"From: \"A\" <sip:a@b;c>;tag=1\r\n"
	"t: B C <sip:b>\r\n"
	"Call-ID: i@h\r\n"
	"CSeq: 1234567890 INVITE\r\n"
	"Max-Forwards: 70\r\n"
	"Route: <sip:p;lr>\r\n"
	"X-y_z: 1\r\n"
	"l: 0\r\n\r\n",
	"SIP/2.0 200 OK\r\n"
	"v: SIP/2.0/TCP [::1]:1;rport;branch=z9hG4bK\r\n"
	"f: <sip:a@b>;tag=1\r\n"
	"To: \"quoted, and <long> enough not to fit a window\" <sip:b@c;d>;tag=2\r\n"
	"i: 1\r\n"
	"CSeq: 123456789 BYE\r\n\r\n",
	"SUBSCRIBE sip:a@b SIP/2.0\r\n"
	"v: SIP/2.0/TLS h;branch=z9hG4bK;rport\r\n"
	"f: <sip:a>;tag=1\r\n"
	"t: <sip:b>\r\n"
	"i: 1\r\n"
	"User-Agent: a\r\n"
	"CSeq: 1 SUBSCRIBE\r\n\r\n",
};

START_TEST(agree_on_every_octet_everywhere)
{
	char octets[512];
	size_t len = strlen(dense[_i]);

	memcpy(octets, dense[_i], len);
	for (size_t at = 0; at < len; at++) {
		const char *cut = kernels_differ(octets, at);

		ck_assert_msg(cut == NULL, "%zu octets: %s", at, cut);
		for (int c = 0; c < 256; c++) {
			const char *what;

			octets[at] = (char)c;
			what = kernels_differ(octets, len);
			if (what != NULL)
				ck_abort_msg("%d at %zu: %s", c, at, what);
		}
		octets[at] = dense[_i][at];
	}
}
END_TEST

// Header sections of few lines, about as long as what the hot index and 16 bits count.
START_TEST(agree_on_long_lines)
{
	static char octets[MESSAGE_MAX];
	static const size_t about[] = {7680, 8192, 65536};
	const char *rest = strstr(dense[0], "Via:");
	size_t line = (size_t)(rest - dense[0]);

	memcpy(octets, dense[0], line);
	for (size_t len = about[_i] - 140; len < about[_i] + 140; len++) {
		size_t fill = len - line - strlen(rest);
		const char *what;

		memset(octets + line, 'a', fill);
		memcpy(octets + line, "X: ", 3);
		memcpy(octets + line + fill - 2, "\r\n", 2);
		memcpy(octets + line + fill, rest, strlen(rest));
		what = kernels_differ(octets, len);
		ck_assert_msg(what == NULL, "%zu octets: %s", len, what);
	}
}
END_TEST

// What has a length of its own: an octet stands 0 to 80 times where the star is.
static const char *const stretched[] = {
	"Via: SIP/2.0/UDP h;branch=*",
	"Via: SIP/2.0/UDP h;branch=*;rport",
	"Via: SIP/2.0/UDP h;rport;branch=*",
	"Via: SIP/2.0/UDP h;branch=*;rport=1",
	"Via: SIP/2.0/UDP h;branch=*; x",
	"Via: SIP/2.0/UDP h;branch=*;",
	"Via: SIP/2.0/UDP h;branch=*,SIP/2.0/UDP i;branch=j",
	"Via: SIP/2.0/UDP h;rport;branch=*;rport=5",
	"Via: SIP/2.0/UDP h;x=*;rport=1;branch=z;rport=2",
	"Via: SIP/2.0/UDP h;branch=z;received=*;rport",
	"Via: SIP/2.0/UDP *:5060;branch=z",
	"Via: SIP/2.0/UDP h:*;branch=z",
	"From: \"*\" <sip:a@b>;tag=1",
	"From: * <sip:a@b>;tag=1",
	"From: \"*,*\"<sip:a@b;user=phone>;tag=1",
	"From: <sip:*@b>;tag=1",
	"From: <sip:a@b>;tag=*",
	"To: \"*\" <sip:b>",
	"To: * <sip:b>;tag=2",
	"To: <sip:*>",
	"To: <sip:b>tag=*",
	"From: *,b <sip:a@b>;tag=1",
	"From: \"*\"b\" <sip:a@b>;tag=1",
	"Via: SIP/2.0/UDP h;x=*;rport;branch=z;rport",
	"To: <sip:b>*",
	"Call-ID: *",
	"CSeq: * INVITE",
	"CSeq: *9 INVITE",
	"Max-Forwards: *",
	"Max-Forwards: *70",
	"Content-Length: *",
	"Content-Length: 1*",
	"Route: <sip:*;lr>",
	"*: value",
	"* : value",
	"*(: value",
	"*:value",
	"Subject: *",
};

static size_t stretch(char *out, const char *line, char c, int nb)
{
	static const char *const lines[] = {"Via: SIP/2.0/UDP h;branch=z", "From: <sip:a>;tag=1",
		"To: <sip:b>", "Call-ID: i", "CSeq: 1 INVITE", "Max-Forwards: 70",
		"Content-Length: 0"};
	size_t n = (size_t)sprintf(out, "INVITE sip:bob@b SIP/2.0\r\n");

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (strncmp(lines[i], line, 4) != 0)
			n += (size_t)sprintf(out + n, "%s\r\n", lines[i]);
	for (; *line != '\0'; line++)
		for (int i = *line == '*' ? nb : 1; i > 0; i--)
			out[n++] = *line == '*' ? c : *line;
	return n + (size_t)sprintf(out + n, "\r\n\r\n");
}

START_TEST(agree_on_every_length)
{
	char octets[1024];

	for (int nb = 0; nb <= 80; nb++) {
		for (const char *c = "a70"; *c != '\0'; c++) {
			size_t len = stretch(octets, stretched[_i], *c, nb);
			const char *what = kernels_differ(octets, len);

			ck_assert_msg(
				what == NULL, "%s, %d times %c: %s", stretched[_i], nb, *c, what);
		}
	}
}
END_TEST

START_TEST(known_names_find_their_slot)
{
	static const char *const names[] = {"Via", "v", "From", "f", "To", "t", "Call-ID", "i",
		"CSeq", "Max-Forwards", "Route", "Record-Route", "Contact", "m", "Content-Length",
		"l", "Content-Type", "c", "Expires", "Path", "Supported", "k", "Require",
		"Proxy-Require", "Event", "o", "Authorization", "Proxy-Authorization",
		"Service-Route", "Retry-After"};
	unsigned int found = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		enum sip_hdr id = sip_hdr_find(strv_from(names[i]));

		ck_assert_int_ne(id, SIP_HDR_OTHER);
		if (strlen(names[i]) > 1)
			ck_assert_str_eq(sip_hdr_text(id), names[i]);
		found |= BIT(id);
	}
	ck_assert_uint_eq(found, BIT(SIP_HDRS_KNOWN) - 2);
	for (int m = SIP_METHOD_OTHER + 1; m < SIP_METHODS; m++)
		ck_assert_int_eq(
			sip_method_find(strv_from(sip_method_text((enum sip_method)m))), m);
}
END_TEST

#define NIBBLES(...)        \
	{                   \
		__VA_ARGS__ \
	}
#define IN(set, c) (rows_##set[(c)&15] & columns_##set[(c) >> 4])

START_TEST(nibble_sets_hold_what_they_say)
{
	static const uint8_t rows_token[16] = ROWS_TOKEN, columns_token[16] = COLUMNS_TOKEN;
	static const uint8_t rows_host[16] = ROWS_HOST, columns_host[16] = COLUMNS_HOST;
	static const uint8_t rows_uri_stop[16] = ROWS_URI_STOP,
			     columns_uri_stop[16] = COLUMNS_URI_STOP;
	static const uint8_t rows_address_stop[16] = ROWS_ADDRESS_STOP,
			     columns_address_stop[16] = COLUMNS_ADDRESS_STOP;

	for (int c = 0; c < 128; c++) {
		ck_assert_int_eq(IN(token, c) != 0, char_is((char)c, CH_TOKEN));
		ck_assert_int_eq(IN(host, c) != 0, char_is((char)c, CH_HOST));
		ck_assert_int_eq(IN(uri_stop, c) != 0, !char_is((char)c, CH_URI) || c == '?');
		ck_assert_int_eq(IN(address_stop, c) != 0, !char_is((char)c, CH_VALUE));
	}
}
END_TEST

START_TEST(can_be_forced_by_name)
{
	const char *best = sip_kernel_at(0), *kernel;

	ck_assert_str_eq(sip_kernel_name(), best);
	for (unsigned int i = 0; (kernel = sip_kernel_at(i)) != NULL; i++) {
		ck_assert_int_eq(sip_kernel_select(kernel), 0);
		ck_assert_str_eq(sip_kernel_name(), kernel);
	}
	ck_assert_int_lt(sip_kernel_select("none"), 0);
	ck_assert_int_eq(sip_kernel_select(NULL), 0);
	ck_assert_str_eq(sip_kernel_name(), best);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernels");
	TCase *tc = tcase_create("kernels");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, can_be_forced_by_name);
	tcase_add_test(tc, known_names_find_their_slot);
	tcase_add_test(tc, nibble_sets_hold_what_they_say);
	tcase_add_test(tc, agree_on_our_messages);
	tcase_add_test(tc, agree_on_every_prefix);
	tcase_add_loop_test(
		tc, agree_on_every_octet_everywhere, 0, sizeof(dense) / sizeof(dense[0]));
	tcase_add_loop_test(tc, agree_on_every_length, 0, sizeof(stretched) / sizeof(stretched[0]));
	tcase_add_loop_test(tc, agree_on_long_lines, 0, 3);
	tcase_add_loop_test(tc, agree_on_mutations, 0, 4);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

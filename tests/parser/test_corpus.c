// SPDX-License-Identifier: BSD-3-Clause
// The shared corpus, when it is there: every message gets the verdict its manifest asks for.
#include "tests/parser/guarded.h"

#include "parser/sip_kernel.h"
#include "parser/sip_msg.h"

#include <check.h>
#include <stdio.h>

#define MESSAGE_MAX 131072

static const char *corpus_dir(void)
{
	const char *dir = getenv("SIPSHUNT_CORPUS");

	return dir != NULL ? dir : CORPUS_DIR;
}

static FILE *corpus_open(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", corpus_dir(), name);
	return fopen(path, "rb");
}

// Where the manifest leaves a choice, or asks for more than a parser's yes or no, this is ours.
static const struct choice {
	const char *path;
	bool accept;
	const char *why;
} choices[] = {
	{"rfc4475/badaspec.dat", false, "LWS inside <> is no addr-spec"},
	{"rfc4475/baddn.dat", false, "truncated; and ',' stands in an unquoted display name"},
	{"rfc4475/badvers.dat", false, "bad-version, so that the proxy answers 505"},
	{"rfc4475/escruri.dat", false, "headers in a Request-URI must not be forwarded"},
	{"rfc4475/insuf.dat", false, "mandatory header fields are missing: no-from"},
	{"rfc4475/ltgtruri.dat", false, "'<' is no part of a URI"},
	{"rfc4475/lwsstart.dat", false, "one SP, not two, in a Request-Line"},
	{"rfc4475/multi01.dat", false, "duplicates are refused: duplicate-header"},
	{"rfc4475/regbadct.dat", true, "Contact is not taken apart for forwarding"},
	{"rfc4475/trws.dat", false, "SP after the SIP-Version"},
	{"bad/to-empty-tag.dat", false, "a tag is a token, and a token is not empty"},
	{"bad/via-no-branch-long-cseq.dat", true, "no length is special"},
	{"bad/via-received-inject.dat", false, "an empty address is none"},
	{"bad/via-1000.dat", false, "too-many-headers"},
	{"bad/from-two-tags.dat", false, "two tags would be two readings"},
	{"bad/from-slash.dat", true, "what stands in brackets is opaque"},
	{"bad/hdr-bare-lf.dat", false, "only CRLF ends a line"},
	{"bad/hdr-lf-mixed.dat", false, "only CRLF ends a line"},
	{"bad/hdr-name-8000.dat", true, "no length is special"},
	{"bad/fold-5000.dat", true, "folding costs nothing"},
	{"bad/uri-port-overflow.dat", true, "the Request-URI is taken apart when it is used"},
	{"bad/uri-8000.dat", true, "no length is special"},
	{"bad/status-no-sp.dat", true, "the SP before an empty Reason-Phrase is not missed"},
	{"bad/cseq-2p31.dat", false, "RFC 3261 8.1.1.5"},
	{"bad/maxfwd-256.dat", false, "RFC 3261 20.22"},
	{"bad/route-unterminated.dat", false, "the first Route is looked at"},
};

static bool starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

// 1 accept, 0 reject, -1 either.
static int manifest_verdict(const char *parser)
{
	if (strstr(parser, "accept or reject") || strstr(parser, "accept (liberal) or reject") ||
		strstr(parser, "or accept") || strstr(parser, "liberal: accept") ||
		strstr(parser, "or treat as") || strstr(parser, ") or reject") ||
		strstr(parser, "tag or reject") || strstr(parser, "else reject") ||
		strstr(parser, "or first") || strstr(parser, "accept or"))
		return -1;
	if (strstr(parser, "mandatory missing") || strstr(parser, "duplicates flagged") ||
		strstr(parser, "version 7.0"))
		return 0; // "accept" the header fields of a message that is to be refused
	return starts(parser, "accept");
}

static const struct choice *find_choice(const char *path)
{
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
		if (strcmp(choices[i].path, path) == 0)
			return &choices[i];
	return NULL;
}

static size_t read_message(const char *path, char *octets)
{
	FILE *f = corpus_open(path);
	size_t len;

	ck_assert_msg(f != NULL, "%s", path);
	len = fread(octets, 1, MESSAGE_MAX, f);
	fclose(f);
	return len;
}

// Returns how many ways the verdict is wrong, and prints them: one run shows all.
static unsigned int check_one(const char *path, const char *verdict)
{
	static char octets[MESSAGE_MAX];
	size_t len = read_message(path, octets);
	struct guarded g = guarded_new(octets, len, GUARD_BEHIND, '\n');
	const struct choice *choice = find_choice(path);
	int want = manifest_verdict(verdict);
	struct sip_msg msg;
	enum sip_reason reason = sip_parse(&msg, g.buf, g.len);
	const char *wrong = NULL;

	if (want < 0 && choice == NULL)
		wrong = "needs a choice";
	else if (want >= 0 && choice != NULL && choice->accept != want)
		wrong = "the choice contradicts the manifest";
	else if ((reason == SIP_OK) != (want < 0 ? choice->accept : want))
		wrong = "another verdict";
	else if (reason != SIP_OK && msg.error_off > len)
		wrong = "the offset is not in the message";
	if (wrong != NULL)
		printf("%s: '%s': %s: %s at %u\n", path, verdict, wrong, sip_reason_name(reason),
			msg.error_off);
	guarded_free(&g);
	return wrong != NULL;
}

static unsigned int check_all(void)
{
	unsigned int wrong = 0;
	FILE *manifest = corpus_open("MANIFEST.tsv");
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, manifest) > 0) {
		char *rest = line, *column[6];

		for (int i = 0; i < 6; i++)
			column[i] = strsep(&rest, "\t");
		if (column[5] == NULL || strcmp(column[0], "path") == 0 ||
			strcmp(column[4], "stream") == 0)
			continue;
		wrong += check_one(column[0], column[5]);
	}
	free(line);
	fclose(manifest);
	return wrong;
}

START_TEST(every_message_gets_its_verdict_from_every_kernel)
{
	FILE *manifest = corpus_open("MANIFEST.tsv");
	const char *kernel;

	if (manifest == NULL) {
		printf("no corpus at %s\n", corpus_dir());
		return;
	}
	fclose(manifest);
	for (unsigned int i = 0; (kernel = sip_kernel_at(i)) != NULL; i++) {
		ck_assert_int_eq(sip_kernel_select(kernel), 0);
		ck_assert_uint_eq(check_all(), 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("corpus");
	TCase *tc = tcase_create("corpus");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, every_message_gets_its_verdict_from_every_kernel);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

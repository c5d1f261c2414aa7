// SPDX-License-Identifier: BSD-3-Clause
// Our reading of messages against that of libosip2 and sofia-sip. Differences are many, and all of
// a few kinds; each kind must be explained in the table of docs/parser.md and listed below. A new
// kind fails the test.
//
// usage: test_parser_differential [--mutations N] FOLDER...
#include "tests/parser/guarded.h"
#include "tests/parser/peers.h"

#include "parser/sip_msg.h"

#include <dirent.h>
#include <stdio.h>

#define MESSAGE_MAX 131072
#define SEEDS_MAX 512
#define KINDS_MAX 256

static const struct peer {
	const char *name;
	void (*read)(const char *octets, size_t len, struct reading *r);
} peers[] = {
#ifdef HAVE_OSIP
	{"libosip2", read_osip},
#endif
#ifdef HAVE_SOFIA
	{"sofia-sip", read_sofia},
#endif
};

static struct kind {
	char name[96]; // "libosip2 takes bad-via", "sofia-sip refuses ok", "libosip2 reads call_id"
	unsigned int nb;
	char example[96];
} kinds[KINDS_MAX];
static unsigned int nb_kinds;

static struct seed {
	char *octets;
	size_t len;
	char name[80];
} seeds[SEEDS_MAX];
static unsigned int nb_seeds;

static void note(const char *peer, const char *does, const char *what, const char *example)
{
	char name[96];
	unsigned int i = 0;

	snprintf(name, sizeof(name), "%s %s %s", peer, does, what);
	while (i < nb_kinds && strcmp(kinds[i].name, name) != 0)
		i++;
	if (i == KINDS_MAX)
		return;
	if (i == nb_kinds) {
		snprintf(kinds[i].name, sizeof(kinds[i].name), "%s", name);
		snprintf(kinds[i].example, sizeof(kinds[i].example), "%s", example);
		nb_kinds++;
	}
	kinds[i].nb++;
}

static void set(char *to, const struct sip_msg *msg, struct sip_slice s)
{
	snprintf(to, READING_MAX, "%.*s", s.len, msg->buf + s.off);
}

static enum sip_reason read_ours(const char *octets, size_t len, struct reading *r)
{
	struct guarded g = guarded_new(octets, len, GUARD_BEHIND, 0);
	struct sip_msg msg;
	enum sip_reason reason = sip_parse(&msg, g.buf, len);

	memset(r, 0, sizeof(*r));
	r->accepted = reason == SIP_OK;
	if (r->accepted) {
		set(r->call_id, &msg, msg.call_id);
		snprintf(r->cseq, READING_MAX, "%u %.*s", msg.cseq, msg.cseq_method.len,
			msg.buf + msg.cseq_method.off);
		set(r->from_tag, &msg, msg.from_tag);
		set(r->to_tag, &msg, msg.to_tag);
		set(r->via_host, &msg, msg.via.host);
		set(r->branch, &msg, msg.via.branch);
		if (msg.has_content_length)
			snprintf(r->content_length, READING_MAX, "%u", msg.content_length);
	}
	guarded_free(&g);
	return reason;
}

static void compare_field(
	const char *peer, const char *field, const char *a, const char *b, const char *example)
{
	if (strcmp(a, b) != 0)
		note(peer, "reads", field, example);
}

static void compare(const char *octets, size_t len, const char *example)
{
	struct reading ours, theirs;
	enum sip_reason reason = read_ours(octets, len, &ours);

	for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		const char *peer = peers[i].name;

		peers[i].read(octets, len, &theirs);
		if (theirs.accepted != ours.accepted) {
			note(peer, theirs.accepted ? "takes" : "refuses", sip_reason_name(reason),
				example);
			continue;
		}
		if (!ours.accepted)
			continue;
		compare_field(peer, "Call-ID", ours.call_id, theirs.call_id, example);
		compare_field(peer, "CSeq", ours.cseq, theirs.cseq, example);
		compare_field(peer, "From tag", ours.from_tag, theirs.from_tag, example);
		compare_field(peer, "To tag", ours.to_tag, theirs.to_tag, example);
		compare_field(peer, "Via host", ours.via_host, theirs.via_host, example);
		compare_field(peer, "branch", ours.branch, theirs.branch, example);
		// libosip2 makes one up where there is none.
		if (ours.content_length[0] != '\0')
			compare_field(peer, "Content-Length", ours.content_length,
				theirs.content_length, example);
	}
}

static void load(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL && nb_seeds < SEEDS_MAX) {
		struct seed *s = &seeds[nb_seeds];
		char path[4096];
		FILE *f;

		if (strstr(entry->d_name, ".sip") == NULL && strstr(entry->d_name, ".dat") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		snprintf(s->name, sizeof(s->name), "%.79s", entry->d_name);
		f = fopen(path, "rb");
		if (f == NULL)
			continue;
		s->octets = malloc(MESSAGE_MAX);
		s->len = fread(s->octets, 1, MESSAGE_MAX, f);
		fclose(f);
		nb_seeds++;
	}
	if (dir != NULL)
		closedir(dir);
}

static uint32_t draw(uint32_t below)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % below;
}

// One octet of the header section becomes another, goes, or stands twice.
static void mutate(unsigned int rounds)
{
	static const char interesting[] = "\r\n\t \";:,<>@=?()[]\\/%09aZ";
	static char octets[MESSAGE_MAX];

	for (unsigned int round = 0; round < rounds; round++) {
		const struct seed *s = &seeds[draw(nb_seeds)];
		char example[128];
		size_t len = s->len, at;

		if (len == 0 || len > 2000)
			continue;
		memcpy(octets, s->octets, len);
		at = draw((uint32_t)len);
		switch (draw(3)) {
		case 0:
			octets[at] = interesting[draw(sizeof(interesting) - 1)];
			break;
		case 1:
			memmove(octets + at, octets + at + 1, len - at - 1);
			len--;
			break;
		default:
			memmove(octets + at + 1, octets + at, len - at);
			len++;
		}
		snprintf(example, sizeof(example), "%s changed at %zu", s->name, at);
		compare(octets, len, example);
	}
}

// A kind is explained by a row of the document: "| libosip2 takes bad-via | ... |".
static bool is_explained(const char *document, const char *kind)
{
	char row[128];

	snprintf(row, sizeof(row), "| %.100s |", kind);
	return strstr(document, row) != NULL;
}

static char *read_document(const char *path)
{
	char *text = calloc(1, 1 << 20);
	FILE *f = fopen(path, "r");

	if (f == NULL || text == NULL) {
		perror(path);
		exit(2);
	}
	if (fread(text, 1, (1 << 20) - 1, f) == 0)
		exit(2);
	fclose(f);
	return text;
}

int main(int argc, char **argv)
{
	unsigned int mutations = 20000, unexplained = 0;
	char *document = NULL;

#ifdef HAVE_OSIP
	read_osip_init();
#endif
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--mutations") == 0 && i + 1 < argc)
			mutations = (unsigned int)atoi(argv[++i]);
		else if (document == NULL)
			document = read_document(argv[i]);
		else
			load(argv[i]);
	}
	if (nb_seeds == 0)
		return 2;
	for (unsigned int i = 0; i < nb_seeds; i++)
		compare(seeds[i].octets, seeds[i].len, seeds[i].name);
	mutate(mutations);
	for (unsigned int i = 0; i < nb_kinds; i++) {
		bool known = is_explained(document, kinds[i].name);

		printf("%-40s %6u  %s%s\n", kinds[i].name, kinds[i].nb, kinds[i].example,
			known ? "" : "  UNEXPLAINED");
		unexplained += !known;
	}
	printf("%u messages, %u mutations, %u kinds of differences, %u unexplained\n", nb_seeds,
		mutations, nb_kinds, unexplained);
	free(document);
	return unexplained != 0;
}

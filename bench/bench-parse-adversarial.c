// SPDX-License-Identifier: BSD-3-Clause
// Messages of 64 KB that are made to be slow to read. What counts is the time per octet against
// that of an ordinary message: it must be at most three times as much, whatever the octets are.
#include "parser/sip_kernel.h"
#include "parser/sip_msg.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MESSAGE_LEN 65000
#define ROUNDS 41
#define RATIO_MAX 3.0

static const char ordinary[] =
	"INVITE sip:bob@biloxi.example.com SIP/2.0\r\n"
	"Via: SIP/2.0/UDP pc33.atlanta.example.com:5060;branch=z9hG4bKnashds8;rport\r\n"
	"Max-Forwards: 70\r\n"
	"To: Bob <sip:bob@biloxi.example.com>\r\n"
	"From: \"Alice\" <sip:alice@atlanta.example.com>;tag=1928301774\r\n"
	"Call-ID: a84b4c76e66710@pc33.atlanta.example.com\r\n"
	"CSeq: 314159 INVITE\r\n"
	"Contact: <sip:alice@pc33.atlanta.example.com>\r\n"
	"Content-Length: 0\r\n"
	"\r\n";

// A message is `head`, the repeated piece up to 64 KB, `tail`.
struct adversary {
	const char *name;
	const char *head;
	const char *piece;
	const char *tail;
};

#define START "OPTIONS sip:b@example.com SIP/2.0\r\n"
#define VIA "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
#define FROM "From: <sip:a@b>;tag=1\r\n"
#define TO "To: <sip:c@d>\r\n"
#define REST "Call-ID: x\r\nCSeq: 1 OPTIONS\r\n"
#define ALL VIA FROM TO REST "\r\n"

static const struct adversary adversaries[] = {
	{"commas in a value", START "Subject: ", ",", "\r\n" ALL},
	{"commas in Via", START "Via: SIP/2.0/UDP h;branch=z9hG4bK1", ",",
		"\r\n" FROM TO REST "\r\n"},
	{"commas in Route", START "Route: <sip:a>", ",", "\r\n" ALL},
	{"Via values", START "Via: SIP/2.0/UDP h", ", SIP/2.0/UDP h", "\r\n" FROM TO REST "\r\n"},
	{"folds in a value", START "Subject: x", "\r\n ", "x\r\n" ALL},
	{"folds before a value", START "Subject:", "\r\n ", "x\r\n" ALL},
	{"folds in Call-ID", START VIA FROM TO "Call-ID:", "\r\n ", "x\r\nCSeq: 1 OPTIONS\r\n\r\n"},
	{"folds in Via", START "Via: SIP/2.0/UDP", "\r\n ", "h\r\n" FROM TO REST "\r\n"},
	{"folds with a letter", START "Subject: x", "\r\n y", "x\r\n" ALL},
	{"semicolons in Via", START "Via: SIP/2.0/UDP h", ";", "\r\n" FROM TO REST "\r\n"},
	{"parameters in Via", START "Via: SIP/2.0/UDP h", ";a", "\r\n" FROM TO REST "\r\n"},
	{"parameters in From", START VIA "From: <sip:a@b>", ";a", "\r\n" TO REST "\r\n"},
	{"semicolons in a URI", START VIA "From: <sip:a@b", ";", ">;tag=1\r\n" TO REST "\r\n"},
	{"quotes in From", START VIA "From: ", "\"", " <sip:a@b>\r\n" TO REST "\r\n"},
	{"quotes in a value", START "Subject: ", "\"", "\r\n" ALL},
	{"backslashes in From", START VIA "From: \"", "\\\\", "\" <sip:a@b>\r\n" TO REST "\r\n"},
	{"quoted controls", START VIA "From: \"", "\\\x01", "\" <sip:a@b>\r\n" TO REST "\r\n"},
	{"a long display name", START VIA "From: \"", "x", "\" <sip:a@b>\r\n" TO REST "\r\n"},
	{"a long Call-ID", START VIA FROM TO "Call-ID: ", "x", "\r\nCSeq: 1 OPTIONS\r\n\r\n"},
	{"a long branch", START "Via: SIP/2.0/UDP h;branch=z9hG4bK", "x",
		"\r\n" FROM TO REST "\r\n"},
	{"a long tag", START VIA "From: <sip:a@b>;tag=", "x", "\r\n" TO REST "\r\n"},
	{"a long Request-URI", "OPTIONS sip:", "x", " SIP/2.0\r\n" ALL},
	{"a long method", "", "x", " sip:a SIP/2.0\r\n" ALL},
	{"a long header name", START, "x", ": y\r\n" ALL},
	{"a long number", START "Max-Forwards: ", "0", "\r\n" ALL},
	{"header lines", START, "a:b\r\n", ALL},
	{"empty header lines", START, "a:\r\n", ALL},
	{"Via lines", START, VIA, FROM TO REST "\r\n"},
	{"long header lines", START,
		"Subject: 0123456789 0123456789 0123456789 0123456789 0123456789 "
		"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
		"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
		"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
		"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
		"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
		"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
		"0123456789 0123456789 0123456789 0123456789 0123456789 012345678\r\n",
		ALL},
	{"open brackets in From", START VIA "From: ", "<", "\r\n" TO REST "\r\n"},
	{"nested brackets in Route", START "Route: ", "<<>", "\r\n" ALL},
	{"colons", START VIA "From: ", ":", "\r\n" TO REST "\r\n"},
	{"tabs in a value", START "Subject: ", "\t", "x\r\n" ALL},
	{"spaces in CSeq", START VIA FROM TO "Call-ID: x\r\nCSeq: 1", " ", "OPTIONS\r\n\r\n"},
	{"spaces at an end", START VIA FROM TO "CSeq: 1 OPTIONS\r\nCall-ID: x", " ", "\r\n\r\n"},
	{"CRLF before the start", "", "\r\n", START ALL},
	{"CR and no end", START, "\r", ""},
	{"octets 0xff", "", "\xff", ""},
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

// The median time of one parse, each round long enough for the clock.
static double time_parse(const char *buf, size_t len, enum sip_reason *reason)
{
	uint64_t times[ROUNDS];
	struct sip_msg msg;
	unsigned int repeat = 1;
	uint64_t start;

	do {
		repeat *= 2;
		start = now_ns();
		for (unsigned int i = 0; i < repeat; i++)
			*reason = sip_parse(&msg, buf, len);
	} while (now_ns() - start < 100000);
	for (unsigned int r = 0; r < ROUNDS; r++) {
		start = now_ns();
		for (unsigned int i = 0; i < repeat; i++)
			*reason = sip_parse(&msg, buf, len);
		times[r] = now_ns() - start;
	}
	qsort(times, ROUNDS, sizeof(times[0]), compare);
	return (double)times[ROUNDS / 2] / repeat;
}

static size_t compose(const struct adversary *a, char *out)
{
	size_t n = strlen(a->head), tail = strlen(a->tail), piece = strlen(a->piece);

	memcpy(out, a->head, n);
	while (n + piece + tail <= MESSAGE_LEN) {
		memcpy(out + n, a->piece, piece);
		n += piece;
	}
	memcpy(out + n, a->tail, tail);
	return n + tail;
}

int main(int argc, char **argv)
{
	static char room[MESSAGE_LEN + 4096 + 2 * SIP_PAD];
	char *buf = room + SIP_PAD;
	FILE *json = NULL;
	bool slow = false;
	enum sip_reason reason;
	double base;

	if (argc == 3 && strcmp(argv[1], "--json") == 0)
		json = fopen(argv[2], "w");
	if (argc != 1 && json == NULL) {
		fprintf(stderr, "usage: bench-parse-adversarial [--json FILE]\n");
		return 2;
	}
	memcpy(buf, ordinary, sizeof(ordinary) - 1);
	base = time_parse(buf, sizeof(ordinary) - 1, &reason) / (double)(sizeof(ordinary) - 1);
	printf("kernel %s; an ordinary INVITE of %zu octets: %.3f ns/octet\n", sip_kernel_name(),
		sizeof(ordinary) - 1, base);
	printf("%-26s %-18s %9s %9s %8s\n", "64 KB of", "verdict", "us", "ns/octet", "x");
	if (json != NULL)
		fprintf(json, "[\n{\"bench\": \"host\", \"kernel\": \"%s\"}", sip_kernel_name());
	for (size_t i = 0; i < sizeof(adversaries) / sizeof(adversaries[0]); i++) {
		size_t len = compose(&adversaries[i], buf);
		double ns = time_parse(buf, len, &reason), ratio = ns / (double)len / base;

		printf("%-26s %-18s %9.2f %9.4f %8.2f%s\n", adversaries[i].name,
			sip_reason_name(reason), ns / 1000, ns / (double)len, ratio,
			ratio > RATIO_MAX ? " slow" : "");
		slow |= ratio > RATIO_MAX;
		if (json != NULL)
			fprintf(json,
				",\n{\"bench\": \"parse-adversarial\", \"case\": \"%s\", "
				"\"metric\": "
				"\"vs-ordinary\", \"value\": %.4f, \"unit\": \"ratio\"}",
				adversaries[i].name, ratio);
	}
	if (json != NULL) {
		fprintf(json, "\n]\n");
		fclose(json);
	}
	return slow;
}

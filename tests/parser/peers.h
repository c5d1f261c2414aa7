// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_PARSER_PEERS_H
#define TESTS_PARSER_PEERS_H

#include <stdbool.h>
#include <stddef.h>

#define READING_MAX 256

// What a parser makes of a message, in strings, so that any two can be compared. Longer ones are
// cut; absent is "".
struct reading {
	bool accepted;
	char call_id[READING_MAX];
	char cseq[READING_MAX]; // number and method
	char from_tag[READING_MAX];
	char to_tag[READING_MAX];
	char via_host[READING_MAX];
	char branch[READING_MAX];
	char content_length[READING_MAX];
};

void read_osip(const char *octets, size_t len, struct reading *r);
void read_sofia(const char *octets, size_t len, struct reading *r);
void read_osip_init(void);

#endif

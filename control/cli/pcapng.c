// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/pcapng.h"

#include <errno.h>
#include <string.h>

#define SECTION_HEADER UINT32_C(0x0a0d0d0a)
#define INTERFACE 1
#define ENHANCED_PACKET 6
#define BYTE_ORDER_MAGIC UINT32_C(0x1a2b3c4d)
#define LINKTYPE_RAW 101 // an IP packet, no link layer
#define OPT_COMMENT 1
#define OPT_APPLICATION 4
#define OPT_TSRESOL 9
#define COMMENT_MAX 256
#define IP_MAX 65535

// One block, built in memory: its length stands before and after it.
struct block {
	size_t len;
	uint8_t octets[IP_MAX + COMMENT_MAX + 128];
};

static void put(struct block *block, const void *octets, size_t len)
{
	if (len > sizeof(block->octets) - block->len)
		len = sizeof(block->octets) - block->len;
	if (len > 0)
		memcpy(block->octets + block->len, octets, len);
	block->len += len;
}

static void put16(struct block *block, uint16_t value)
{
	put(block, &value, sizeof(value));
}

static void put32(struct block *block, uint32_t value)
{
	put(block, &value, sizeof(value));
}

static void pad(struct block *block)
{
	put(block, "\0\0\0", -block->len & 3);
}

static void put_option(struct block *block, uint16_t code, const void *value, size_t len)
{
	put16(block, code);
	put16(block, (uint16_t)len);
	put(block, value, len);
	pad(block);
}

static void begin(struct block *block, uint32_t type)
{
	block->len = 0;
	put32(block, type);
	put32(block, 0);
}

static int end(struct block *block, FILE *out)
{
	uint32_t len = (uint32_t)block->len + 4;

	put32(block, len);
	memcpy(block->octets + 4, &len, sizeof(len));
	return fwrite(block->octets, 1, block->len, out) == block->len ? 0 : -EIO;
}

int pcapng_begin(FILE *out, const char *application)
{
	static struct block block;
	uint8_t resolution = 9; // nanoseconds
	int error;

	begin(&block, SECTION_HEADER);
	put32(&block, BYTE_ORDER_MAGIC);
	put16(&block, 1); // version 1.0
	put16(&block, 0);
	put32(&block, UINT32_MAX); // length of the section: unknown
	put32(&block, UINT32_MAX);
	put_option(&block, OPT_APPLICATION, application, strlen(application));
	put_option(&block, 0, NULL, 0);
	error = end(&block, out);
	if (error != 0)
		return error;
	begin(&block, INTERFACE);
	put16(&block, LINKTYPE_RAW);
	put16(&block, 0);
	put32(&block, 0); // no limit of the captured length
	put_option(&block, OPT_TSRESOL, &resolution, 1);
	put_option(&block, 0, NULL, 0);
	return end(&block, out);
}

static uint32_t sum16(const uint8_t *octets, size_t len, uint32_t sum)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)octets[i] << 8 | octets[i + 1];
	return len & 1 ? sum + ((uint32_t)octets[len - 1] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void set16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

// IP and UDP headers (RFC 791, 8200, 768). Returns their length.
static size_t make_headers(const struct pcapng_packet *packet, uint16_t udp_len, uint8_t out[48])
{
	bool v6 = packet->source.ip.family == 6;
	size_t ip_len = v6 ? 40 : 20, addr_len = v6 ? 16 : 4;
	uint8_t *udp = out + ip_len, *src = out + (v6 ? 8 : 12);
	uint32_t sum;

	memset(out, 0, 48);
	out[0] = v6 ? 0x60 : 0x45;
	memcpy(src, packet->source.ip.octets, addr_len);
	memcpy(src + addr_len, packet->destination.ip.octets, addr_len);
	if (v6) {
		set16(out + 4, udp_len);
		out[6] = 17;
		out[7] = 64;
	} else {
		set16(out + 2, (uint16_t)(udp_len + 20));
		out[8] = 64;
		out[9] = 17;
		set16(out + 10, fold(sum16(out, 20, 0)));
	}
	set16(udp, packet->source.port);
	set16(udp + 2, packet->destination.port);
	set16(udp + 4, udp_len);
	// Only of a whole message: nobody can check that of a part.
	if (packet->payload.len == packet->payload_len) {
		sum = sum16(src, 2 * addr_len, 17u + udp_len);
		sum = sum16(udp, 8, sum);
		sum = sum16((const uint8_t *)packet->payload.ptr, packet->payload.len, sum);
		set16(udp + 6, fold(sum) != 0 ? fold(sum) : 0xffff);
	}
	return ip_len + 8;
}

int pcapng_write(FILE *out, const struct pcapng_packet *packet)
{
	static struct block block;
	uint8_t headers[48];
	uint32_t whole = packet->payload_len;
	size_t headers_len, copied = packet->payload.len;
	size_t comment_len = packet->comment != NULL ? strlen(packet->comment) : 0;

	if (packet->source.ip.family != packet->destination.ip.family ||
		(packet->source.ip.family != 4 && packet->source.ip.family != 6))
		return -EINVAL;
	if (whole > IP_MAX - 48)
		whole = IP_MAX - 48;
	if (copied > whole)
		copied = whole;
	if (comment_len > COMMENT_MAX)
		comment_len = COMMENT_MAX;
	headers_len = make_headers(packet, (uint16_t)(whole + 8), headers);
	begin(&block, ENHANCED_PACKET);
	put32(&block, 0); // interface
	put32(&block, (uint32_t)(packet->unix_ns >> 32));
	put32(&block, (uint32_t)packet->unix_ns);
	put32(&block, (uint32_t)(headers_len + copied));
	put32(&block, (uint32_t)(headers_len + whole));
	put(&block, headers, headers_len);
	put(&block, packet->payload.ptr, copied);
	pad(&block);
	if (comment_len > 0)
		put_option(&block, OPT_COMMENT, packet->comment, comment_len);
	put_option(&block, 0, NULL, 0);
	return end(&block, out);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "config/value.h"

#include "config/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define ADDR_TEXT_MAX INET6_ADDRSTRLEN
#define HOST_MAX 253 // octets of a DNS name
#define UNIX_PREFIX "unix:"
#define SUN_PATH_MAX 107

static bool parse_addr(struct text in, struct config_addr *addr)
{
	char text[ADDR_TEXT_MAX + 1];

	*addr = (struct config_addr){0};
	if (in.len > ADDR_TEXT_MAX || memchr(in.ptr, '\0', in.len) != NULL)
		return false;
	memcpy(text, in.ptr, in.len);
	text[in.len] = '\0';
	if (inet_pton(AF_INET, text, addr->ip) == 1)
		addr->family = 4;
	else if (inet_pton(AF_INET6, text, addr->ip) == 1)
		addr->family = 6;
	return addr->family != 0;
}

static void emit_addr(const struct config_addr *addr, struct strbuf *out)
{
	strbuf_printf(out, "{family: %u, ip: [", addr->family);
	for (size_t i = 0; i < sizeof(addr->ip); i++)
		strbuf_printf(out, "%s%u", i > 0 ? "," : "", addr->ip[i]);
	strbuf_puts(out, "]}");
}

static bool is_v4_mapped(const struct config_addr *addr)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return addr->family == 6 && memcmp(addr->ip, mapped, sizeof(mapped)) == 0;
}

// Unspecified, multicast, or IPv4's broadcast and reserved part.
static bool is_unicast(const struct config_addr *addr)
{
	static const uint8_t zero[16];

	if (addr->family == 4)
		return addr->ip[0] != 0 && addr->ip[0] < 224;
	return addr->ip[0] != 0xff && memcmp(addr->ip, zero, sizeof(zero)) != 0;
}

static int refuse(struct text in, const char *what, struct strbuf *why)
{
	value_quote(in, why);
	strbuf_puts(why, what);
	return -EINVAL;
}

// Why text that is no address is none.
static int refuse_addr(struct text in, struct strbuf *why)
{
	const char *colon = in.len > 0 ? memchr(in.ptr, ':', in.len) : NULL;
	struct config_addr addr;

	if (in.len > 2 && in.ptr[0] == '[' && in.ptr[in.len - 1] == ']')
		return refuse(in, " has brackets, allowed: an IPv6 address without them", why);
	if (memchr(in.ptr, '/', in.len) != NULL)
		return refuse(in, " has a prefix length, allowed: an address alone", why);
	if ((colon != NULL && parse_addr((struct text){in.ptr, (size_t)(colon - in.ptr)}, &addr)) ||
		(in.len > 0 && in.ptr[0] == '['))
		return refuse(in,
			" has a port, allowed: an address alone; the port is a key of its own",
			why);
	return refuse(in, " is not an IP address, allowed: IPv4 or IPv6, no names", why);
}

int value_normalize_addr(
	const struct schema_type *type, struct text in, struct strbuf *out, struct strbuf *why)
{
	struct config_addr addr;

	if (in.len == 0 || !parse_addr(in, &addr))
		return refuse_addr(in, why);
	if (is_v4_mapped(&addr))
		return refuse(
			in, " is an IPv4-mapped address, allowed: the IPv4 address itself", why);
	if (!is_unicast(&addr))
		return refuse(in, " is not a unicast address", why);
	emit_addr(&addr, out);
	return 0;
}

// Clear the bits after the prefix length. Returns whether any was set.
static bool clear_host_bits(struct config_prefix *prefix)
{
	bool any = false;

	for (unsigned int bit = prefix->length; bit < (prefix->addr.family == 4 ? 32U : 128U);
		bit++) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		any |= (prefix->addr.ip[bit / 8] & mask) != 0;
		prefix->addr.ip[bit / 8] &= (uint8_t)~mask;
	}
	return any;
}

static void suggest_prefix(const struct config_prefix *prefix, struct strbuf *why)
{
	char text[ADDR_TEXT_MAX + 1];

	inet_ntop(
		prefix->addr.family == 4 ? AF_INET : AF_INET6, prefix->addr.ip, text, sizeof(text));
	strbuf_printf(why, ", did you mean \"%s/%u\"?", text, prefix->length);
}

int value_normalize_prefix(
	const struct schema_type *type, struct text in, struct strbuf *out, struct strbuf *why)
{
	const char *slash = in.len > 0 ? memchr(in.ptr, '/', in.len) : NULL;
	struct text head = {in.ptr, slash != NULL ? (size_t)(slash - in.ptr) : in.len};
	struct config_prefix prefix;
	uint64_t length;

	if (!parse_addr(head, &prefix.addr))
		return refuse(in,
			type->kind == SCHEMA_PREFIX
				? " is not a network prefix, allowed: address/length"
				: " is not an address with its prefix length, allowed: "
				  "address/length",
			why);
	prefix.length = prefix.addr.family == 4 ? 32 : 128;
	if (slash == NULL) {
		refuse(in, " has no prefix length", why);
		if (type->kind == SCHEMA_PREFIX)
			suggest_prefix(&prefix, why);
		else
			strbuf_puts(why, ", allowed: address/length");
		return -EINVAL;
	}
	if (value_parse_uint(
		    (struct text){slash + 1, in.len - head.len - 1}, prefix.length, &length) < 0) {
		refuse(in, " has a bad prefix length, allowed: ", why);
		strbuf_printf(why, "0..%u", prefix.length);
		return -EINVAL;
	}
	prefix.length = (uint8_t)length;
	if (is_v4_mapped(&prefix.addr))
		return refuse(
			in, " is an IPv4-mapped address, allowed: the IPv4 address itself", why);
	if (type->kind == SCHEMA_IFADDR && (!is_unicast(&prefix.addr) || prefix.length == 0))
		return refuse(in, " is not a unicast address in a network", why);
	if (type->kind == SCHEMA_PREFIX && clear_host_bits(&prefix)) {
		refuse(in, " has bits set after its length", why);
		suggest_prefix(&prefix, why);
		return -EINVAL;
	}
	strbuf_puts(out, "{addr: ");
	emit_addr(&prefix.addr, out);
	strbuf_printf(out, ", length: %u}", prefix.length);
	return 0;
}

// RFC 1123 section 2.1, and the underscore that real networks have. What ends in a number was meant
// to be an address.
static bool is_host_name(struct text in)
{
	bool at_start = true, digits = true; // of the label

	for (size_t i = 0; i < in.len; i++) {
		char c = in.ptr[i];
		bool digit = c >= '0' && c <= '9';
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

		if (c == '.' || c == '-' ? at_start : !digit && !letter)
			return false;
		digits = c == '.' || (digits && digit);
		at_start = c == '.';
	}
	return in.len > 0 && in.len <= HOST_MAX && !at_start && !digits;
}

static bool is_loopback(const struct config_addr *addr)
{
	static const uint8_t one[16] = {[15] = 1};

	return addr->family == 4 ? addr->ip[0] == 127 : memcmp(addr->ip, one, sizeof(one)) == 0;
}

static int normalize_unix(struct text in, struct strbuf *out, struct strbuf *why)
{
	struct text path = {in.ptr + strlen(UNIX_PREFIX), in.len - strlen(UNIX_PREFIX)};

	for (size_t i = 0; i < path.len; i++) {
		if ((unsigned char)path.ptr[i] < 0x20 || path.ptr[i] == 0x7f)
			return refuse(in, " has a control character", why);
	}
	if (path.len == 0 || path.ptr[0] != '/' || path.len > SUN_PATH_MAX)
		return refuse(in,
			" is not a UNIX socket, allowed: unix: and an absolute path of at most "
			"107 octets",
			why);
	strbuf_puts(out, "{path: ");
	value_emit_string(path, out);
	strbuf_puts(out, "}");
	return 0;
}

int value_normalize_socket(
	const struct schema_type *type, struct text in, struct strbuf *out, struct strbuf *why)
{
	const char *colon = in.len > 0 ? memrchr(in.ptr, ':', in.len) : NULL;
	struct text host = {in.ptr, colon != NULL ? (size_t)(colon - in.ptr) : in.len};
	struct config_addr addr;
	bool literal, brackets;
	uint64_t port;

	if (in.len >= strlen(UNIX_PREFIX) && memcmp(in.ptr, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
		return normalize_unix(in, out, why);
	brackets = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
	if (brackets)
		host = (struct text){host.ptr + 1, host.len - 2};
	literal = host.len > 0 && parse_addr(host, &addr) && brackets == (addr.family == 6);
	if (colon == NULL || (!literal && (brackets || !is_host_name(host))) ||
		value_parse_uint((struct text){colon + 1, (size_t)(in.ptr + in.len - colon - 1)},
			UINT16_MAX, &port) < 0 ||
		port == 0) {
		refuse(in, " is not a socket, allowed: ", why);
		strbuf_puts(why,
			type->kind == SCHEMA_SOCKET
				? "\"host:port\", \"[v6]:port\" or \"unix:/path\""
				: "\"127.0.0.1:port\", \"[::1]:port\" or \"unix:/path\"");
		return -EINVAL;
	}
	if (type->kind == SCHEMA_LISTEN && (!literal || !is_loopback(&addr)))
		return refuse(in,
			" is not a loopback address, allowed: 127.0.0.0/8, [::1] or unix:/path; "
			"put a proxy in front for others",
			why);
	strbuf_puts(out, "{host: ");
	value_emit_string(host, out);
	strbuf_printf(out, ", port: %u}", (unsigned int)port);
	return 0;
}

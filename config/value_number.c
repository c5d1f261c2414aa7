// SPDX-License-Identifier: BSD-3-Clause
#include "config/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CPU_MAX 1023
#define RANGES_MAX 256 // of one list

int value_parse_uint(struct text in, uint64_t max, uint64_t *value)
{
	uint64_t v = 0;
	bool overflow = false;

	// "010" is eight to some readers and ten to others: no leading zeros.
	if (in.len == 0 || (in.len > 1 && in.ptr[0] == '0'))
		return -EINVAL;
	for (size_t i = 0; i < in.len; i++) {
		if (in.ptr[i] < '0' || in.ptr[i] > '9')
			return -EINVAL;
		overflow |= __builtin_mul_overflow(v, 10, &v);
		overflow |= __builtin_add_overflow(v, (uint64_t)(in.ptr[i] - '0'), &v);
	}
	if (overflow || v > max)
		return -ERANGE;
	*value = v;
	return 0;
}

struct unit {
	const char *name;
	uint64_t factor;
};

struct notation {
	const struct unit *units; // ends with a NULL name
	const char *suffix; // what to suggest for a bare number
	const char *allowed;
};

static const struct unit no_units[] = {{"", 1}, {NULL, 0}};
static const struct unit duration_units[] = {
	{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const struct unit size_units[] = {
	{"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {NULL, 0}};
static const struct unit rate_units[] = {{"/s", 1}, {NULL, 0}};
static const struct unit percent_units[] = {{"%", 1}, {NULL, 0}};

static struct notation notation_of(enum schema_kind kind)
{
	switch (kind) {
	case SCHEMA_DURATION:
		return (struct notation){
			duration_units, "s", "a whole number with ms, s, m, h or d, like \"5s\""};
	case SCHEMA_SIZE:
		return (struct notation){
			size_units, "MiB", "a whole number with B, KiB, MiB or GiB, like \"2GiB\""};
	case SCHEMA_RATE:
		return (struct notation){
			rate_units, "/s", "a whole number with /s, like \"200/s\""};
	case SCHEMA_PERCENT:
		return (struct notation){percent_units, "%", "a whole number with %, like \"20%\""};
	default:
		return (struct notation){no_units, NULL, NULL};
	}
}

// Size units that mean 1000 to some and 1024 to others, or that differ in case only.
static const char *size_suggestion(struct text unit)
{
	static const char *const meant[] = {"KiB", "MiB", "GiB"};
	static const char letters[] = "kmg";

	if (unit.len == 0 || unit.len > 3)
		return NULL;
	for (size_t i = 0; i < 3; i++) {
		if ((unit.ptr[0] | 0x20) == letters[i])
			return meant[i];
	}
	return unit.len == 1 && unit.ptr[0] == 'b' ? "B" : NULL;
}

// The unit that a bare number most likely lacks.
static const char *missing_unit(const struct schema_type *type, struct text number)
{
	uint64_t value;

	if (type->kind == SCHEMA_DURATION &&
		value_parse_uint(number, type->max / 1000, &value) < 0 &&
		value_parse_uint(number, type->max, &value) == 0)
		return "ms";
	return notation_of(type->kind).suffix;
}

static int bad_unit(
	const struct schema_type *type, struct text in, size_t nb_digits, struct strbuf *why)
{
	struct notation notation = notation_of(type->kind);
	struct text unit = {in.ptr + nb_digits, in.len - nb_digits};
	const char *meant = NULL;

	value_quote(in, why);
	if (unit.len == 0)
		meant = missing_unit(type, in);
	else if (type->kind == SCHEMA_SIZE)
		meant = size_suggestion(unit);
	if (nb_digits == 0 || meant == NULL || in.len > 24 || (nb_digits > 1 && in.ptr[0] == '0')) {
		if (notation.allowed == NULL) {
			strbuf_puts(why, " is not a whole number in plain digits, allowed: ");
			schema_describe(type, why);
		} else {
			strbuf_printf(why, " is not %s, allowed: %s", schema_kind_name(type->kind),
				notation.allowed);
		}
		return -EINVAL;
	}
	strbuf_printf(why, " has %s, did you mean \"%.*s%s\"?",
		unit.len == 0 ? "no unit" : "an unclear unit", (int)nb_digits, in.ptr, meant);
	return -EINVAL;
}

int value_normalize_number(
	const struct schema_type *type, struct text in, struct strbuf *out, struct strbuf *why)
{
	const struct unit *unit = notation_of(type->kind).units;
	size_t nb_digits = 0;
	uint64_t value;
	int ret;

	while (nb_digits < in.len && in.ptr[nb_digits] >= '0' && in.ptr[nb_digits] <= '9')
		nb_digits++;
	while (unit->name != NULL &&
		!text_eq((struct text){in.ptr + nb_digits, in.len - nb_digits}, unit->name))
		unit++;
	if (unit->name == NULL)
		return bad_unit(type, in, nb_digits, why);
	ret = value_parse_uint((struct text){in.ptr, nb_digits}, type->max / unit->factor, &value);
	if (ret == -EINVAL)
		return bad_unit(type, in, 0, why);
	if (ret < 0 || value * unit->factor < type->min) {
		value_quote(in, why);
		strbuf_puts(why, " is out of range, allowed: ");
		schema_describe(type, why);
		return -EINVAL;
	}
	strbuf_printf(out, "%llu", (unsigned long long)(value * unit->factor));
	return 0;
}

struct range {
	uint64_t first, last;
};

static int compare_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

// "first" or "first-last" with min <= first <= last <= max.
static bool parse_range(struct text in, uint64_t min, uint64_t max, struct range *range)
{
	const char *dash = memchr(in.ptr, '-', in.len);
	struct text first = in, last = in;

	if (dash != NULL) {
		first.len = (size_t)(dash - in.ptr);
		last = (struct text){dash + 1, in.len - first.len - 1};
	}
	return value_parse_uint(first, max, &range->first) == 0 &&
		value_parse_uint(last, max, &range->last) == 0 && range->first >= min &&
		range->first <= range->last;
}

// Returns the number of ranges, in ascending order and disjoint, or 0 with the reason in *fault.
static size_t parse_ranges(
	struct text in, uint64_t min, uint64_t max, struct range *ranges, const char **fault)
{
	size_t nb = 0;

	for (;;) {
		const char *comma = in.len > 0 ? memchr(in.ptr, ',', in.len) : NULL;
		struct text part = {in.ptr, comma != NULL ? (size_t)(comma - in.ptr) : in.len};

		*fault = nb == RANGES_MAX ? " has too many ranges" : NULL;
		if (*fault != NULL || part.len == 0 || !parse_range(part, min, max, &ranges[nb]))
			return 0;
		nb++;
		if (comma == NULL)
			break;
		in = (struct text){comma + 1, in.len - part.len - 1};
	}
	qsort(ranges, nb, sizeof(*ranges), compare_ranges);
	for (size_t i = 1; i < nb; i++) {
		if (ranges[i].first <= ranges[i - 1].last) {
			*fault = " names a number twice";
			return 0;
		}
	}
	return nb;
}

int value_normalize_list(
	const struct schema_type *type, struct text in, struct strbuf *out, struct strbuf *why)
{
	bool cpus = type->kind == SCHEMA_CPUS;
	struct range ranges[RANGES_MAX];
	const char *fault = NULL;
	size_t nb;

	nb = parse_ranges(in, cpus ? 0 : 200, cpus ? CPU_MAX : 699, ranges, &fault);
	if (nb == 0) {
		value_quote(in, why);
		if (fault != NULL)
			strbuf_puts(why, fault);
		else
			strbuf_printf(why, " is not %s", schema_kind_name(type->kind));
		strbuf_printf(why, ", allowed: numbers and ranges of ");
		schema_describe(type, why);
		strbuf_puts(why, cpus ? ", like \"2-5,7\"" : ", like \"200-299,404\"");
		return -EINVAL;
	}
	strbuf_puts(out, "[");
	for (size_t i = 0; i < nb; i++) {
		if (!cpus) {
			strbuf_printf(out, "%s{first: %u, last: %u}", i > 0 ? ", " : "",
				(unsigned int)ranges[i].first, (unsigned int)ranges[i].last);
			continue;
		}
		for (uint64_t cpu = ranges[i].first; cpu <= ranges[i].last; cpu++)
			strbuf_printf(out, "%s%u", i > 0 || cpu > ranges[i].first ? ", " : "",
				(unsigned int)cpu);
	}
	strbuf_puts(out, "]");
	return 0;
}

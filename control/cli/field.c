// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>
#include <string.h>

#include "control/cli/client.h"

const char *field_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

const char *field_text_or(const json_t *object, const char *key, const char *other)
{
	const char *text = field_text(object, key);

	return text != NULL ? text : other;
}

double field_number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

bool field_is_number(const json_t *object, const char *key)
{
	return json_is_number(json_object_get(object, key));
}

bool field_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

uint64_t field_seconds(const json_t *object, const char *key)
{
	double seconds = field_number(object, key);

	return seconds > 0 && seconds < 1e12 ? (uint64_t)seconds : 0;
}

int64_t field_integer(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const char *octets, size_t len)
{
	char *text = malloc(len / 3 * 4 + 5), *out = text;

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < len; i += 3) {
		size_t nb = len - i < 3 ? len - i : 3;
		uint32_t group = (uint32_t)(uint8_t)octets[i] << 16;

		if (nb > 1)
			group |= (uint32_t)(uint8_t)octets[i + 1] << 8;
		if (nb > 2)
			group |= (uint8_t)octets[i + 2];
		*out++ = base64_digits[group >> 18];
		*out++ = base64_digits[group >> 12 & 63];
		*out++ = nb > 1 ? base64_digits[group >> 6 & 63] : '=';
		*out++ = nb > 2 ? base64_digits[group & 63] : '=';
	}
	*out = '\0';
	return text;
}

char *field_octets(const json_t *object, const char *key, size_t *len)
{
	const char *text = field_text(object, key);
	size_t nb = text != NULL ? json_string_length(json_object_get(object, key)) : 0;
	char *octets;
	size_t used = 0;

	if (text == NULL || nb % 4 != 0)
		return NULL;
	octets = malloc(nb / 4 * 3 + 1);
	if (octets == NULL)
		return NULL;
	for (size_t i = 0; i < nb; i += 4) {
		uint32_t group = 0;
		unsigned int padding = 0;

		for (unsigned int k = 0; k < 4; k++) {
			const char *digit =
				text[i + k] != '\0' ? strchr(base64_digits, text[i + k]) : NULL;

			// Padding ends the text and nothing follows it.
			if (digit == NULL && (text[i + k] != '=' || i + 4 != nb || k < 2))
				goto refuse;
			if (digit != NULL && padding > 0)
				goto refuse;
			padding += digit == NULL;
			group = group << 6 |
				(digit != NULL ? (uint32_t)(digit - base64_digits) : 0);
		}
		octets[used++] = (char)(group >> 16);
		if (padding < 2)
			octets[used++] = (char)(group >> 8);
		if (padding < 1)
			octets[used++] = (char)group;
	}
	octets[used] = '\0';
	*len = used;
	return octets;

refuse:
	free(octets);
	return NULL;
}

// SPDX-License-Identifier: BSD-3-Clause
// malformed.txt: what is wrong in a file, and the exact message. A bug adds a block.
#include "tests/config/support.h"

#include "config/schema.h"

#define BLOCKS_MAX 1000

struct block {
	struct strbuf from, to, errors;
};

static struct block blocks[BLOCKS_MAX];
static int nb_blocks;
static char *full;

// Blocks are separated by empty lines.
static void load(void)
{
	char *text = read_text(TEST_DIR "/malformed.txt");
	struct block *block = NULL;
	char *rest = text, *line;

	full = read_text(TEST_DIR "/full.yaml");
	while ((line = strsep(&rest, "\n")) != NULL) {
		struct strbuf *part;

		if (line[0] == '\0')
			block = NULL;
		if (line[0] == '\0' || line[0] == '#')
			continue;
		if (block == NULL)
			block = &blocks[nb_blocks++];
		part = line[0] == '-' ? &block->from : line[0] == '+' ? &block->to : &block->errors;
		strbuf_printf(part, "%s\n", line + 2);
	}
	free(text);
	for (int i = 0; i < nb_blocks; i++) {
		strbuf_truncate(&blocks[i].from, blocks[i].from.len - 1);
		strbuf_truncate(&blocks[i].to, blocks[i].to.len - 1);
	}
}

START_TEST(malformed_text_has_exactly_these_errors)
{
	const struct block *block = &blocks[_i];
	char *text = replaced(full, strbuf_text(&block->from), strbuf_text(&block->to));
	char *errors = errors_of("full.yaml", text, strlen(text));

	ck_assert_str_eq(errors, strbuf_text(&block->errors));
	free(errors);
	free(text);
}
END_TEST

// "services[access].listen[0].port" -> "services[].listen[].port"
static void generalize(const char *path, struct strbuf *out)
{
	for (; *path != '\0'; path++) {
		strbuf_add(out, path, 1);
		if (*path == '[')
			path += strcspn(path, "]") - 1;
	}
}

// Whether an error of a block is about this path.
static bool is_covered(const char *path)
{
	for (int i = 0; i < nb_blocks; i++) {
		char *errors = strdup(strbuf_text(&blocks[i].errors)), *rest = errors, *line;
		bool found = false;

		while (!found && (line = strsep(&rest, "\n")) != NULL && line[0] != '\0') {
			char *start = strstr(line, ": ") + 2;
			char *end = strstr(start, ": ");
			struct strbuf general = {0};

			if (end == NULL)
				continue;
			*end = '\0';
			generalize(start, &general);
			found = strcmp(strbuf_text(&general), path) == 0;
			strbuf_fini(&general);
		}
		free(errors);
		if (found)
			return true;
	}
	return false;
}

static void assert_covered(const struct schema_type *mapping, struct strbuf *path)
{
	for (const struct schema_key *key = mapping->keys; key->name != NULL; key++) {
		size_t len = path->len;

		strbuf_printf(path, "%s%s", len > 0 ? "." : "", key->name);
		ck_assert_msg(is_covered(strbuf_text(path)), "no block for %s", strbuf_text(path));
		if (key->type.kind == SCHEMA_SEQUENCE) {
			strbuf_puts(path, "[]");
			if (key->type.item->kind == SCHEMA_MAPPING)
				assert_covered(key->type.item, path);
			else
				ck_assert_msg(is_covered(strbuf_text(path)), "no block for %s",
					strbuf_text(path));
		}
		// The overrides have the keys of defaults.health_check.
		if (key->type.kind == SCHEMA_MAPPING &&
			!(key->flags & (SCHEMA_INHERITS | SCHEMA_NEXT_TEMPLATE)))
			assert_covered(&key->type, path);
		strbuf_truncate(path, len);
	}
}

START_TEST(every_key_has_a_block)
{
	struct strbuf path = {0};

	assert_covered(&schema_root, &path);
	strbuf_fini(&path);
}
END_TEST

// Cut anywhere, the text is refused or accepted, and nothing else happens: the sanitizers watch.
START_TEST(text_may_end_anywhere)
{
	size_t len = strlen(full);

	for (size_t i = 0; i < len; i++) {
		// Without a NUL behind it.
		char *copy = malloc(i + 1);

		memcpy(copy, full, i);
		copy = realloc(copy, i > 0 ? i : 1);
		free(errors_of("full.yaml", copy, i));
		free(copy);
	}
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, secrets_setup, secrets_teardown);
	tcase_add_loop_test(tc, malformed_text_has_exactly_these_errors, 0, nb_blocks);
	tcase_add_test(tc, every_key_has_a_block);
	tcase_add_test(tc, text_may_end_anywhere);
}

int main(void)
{
	int ret;

	load();
	ret = run_suite("malformed", add_tests);
	for (int i = 0; i < nb_blocks; i++) {
		strbuf_fini(&blocks[i].from);
		strbuf_fini(&blocks[i].to);
		strbuf_fini(&blocks[i].errors);
	}
	free(full);
	return ret;
}

// SPDX-License-Identifier: BSD-3-Clause
// Runs a fuzz target over files and folders of seeds, without a fuzzer: fuzz targets are tests too.
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <string.h>

#define SEED_MAX (1 << 20)

static unsigned int nb_seeds;

static void replay(const char *path)
{
	uint8_t *octets = malloc(SEED_MAX);
	FILE *f = fopen(path, "rb");
	size_t len;

	if (f == NULL || octets == NULL) {
		perror(path);
		exit(1);
	}
	len = fread(octets, 1, SEED_MAX, f);
	fclose(f);
	// Of its exact size, so that a sanitizer sees one octet too many.
	octets = realloc(octets, len > 0 ? len : 1);
	LLVMFuzzerTestOneInput(octets, len);
	free(octets);
	nb_seeds++;
}

static void replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[4096];

	if (dir == NULL) {
		replay(folder);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		replay(path);
	}
	closedir(dir);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay_folder(argv[i]);
	printf("%u seeds\n", nb_seeds);
	return nb_seeds > 0 ? 0 : 1;
}

/* Runs a fuzz target over the files of a corpus folder, and over every prefix of each: a plain test for any compiler. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILE_MAX (1 << 20)
#define PREFIXES_MAX 4096

static void run_with_prefixes(const uint8_t *data, size_t size)
{
	size_t step = size / PREFIXES_MAX + 1;

	for (size_t n = 0; n < size; n += step) {
		/* an exact copy, so that a sanitizer sees the first byte read past the end */
		uint8_t *copy = malloc(n ? n : 1);

		if (!copy)
			abort();
		memcpy(copy, data, n);
		LLVMFuzzerTestOneInput(copy, n);
		free(copy);
	}
	LLVMFuzzerTestOneInput(data, size);
}

int main(int argc, char **argv)
{
	static uint8_t data[FILE_MAX];
	struct dirent *entry;
	char path[4096];
	DIR *dir;
	int files = 0;

	if (argc != 2 || !(dir = opendir(argv[1]))) {
		fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
		return 2;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		FILE *f = fopen(path, "rb");
		if (!f)
			continue;
		size_t size = fread(data, 1, sizeof(data), f);
		fclose(f);
		run_with_prefixes(data, size);
		files++;
	}
	closedir(dir);
	printf("%d files\n", files);
	return files ? 0 : 1;
}

/* The command line of the stories: how many seeds, which first, how long. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct sim_options {
	uint64_t seed;  /* -s: the first */
	unsigned seeds; /* -i: how many */
	double days;    /* -d: of each, where the story has a length */
	int verbose;    /* -v: tell what happens */
};

/* o holds the story's defaults. */
static inline void sim_options(int argc, char **argv, struct sim_options *o)
{
	int c;

	while ((c = getopt(argc, argv, "s:i:d:v")) != -1) {
		switch (c) {
		case 's':
			o->seed = strtoull(optarg, NULL, 0);
			break;
		case 'i':
			o->seeds = (unsigned)strtoul(optarg, NULL, 0);
			break;
		case 'd':
			o->days = strtod(optarg, NULL);
			break;
		case 'v':
			o->verbose = 1;
			break;
		default:
			fprintf(stderr, "usage: %s [-s SEED] [-i SEEDS] [-d DAYS] [-v]\n", argv[0]);
			exit(2);
		}
	}
}

/* Tells and remembers a bound that does not hold. */
static inline int sim_check(int good, const char *what)
{
	printf("%s: %s\n", good ? "ok" : "FAILED", what);
	return good ? 0 : 1;
}

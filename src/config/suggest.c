#include "config/suggest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define WORD_MAX 40

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b) || (a == '-' && b == '_');
}

/*
 * Insertions, deletions, replacements and swaps of neighbours (optimal string alignment); case does
 * not count.
 */
static unsigned edit_distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned row[3][WORD_MAX + 1], *before = row[0], *above = row[1], *here = row[2];

	if (n > WORD_MAX || m > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= m; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *spare = before;

		here[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			here[j] = least(above[j - 1] + !same(a[i - 1], b[j - 1]),
				least(above[j], here[j - 1]) + 1);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				here[j] = least(here[j], before[j - 2] + 1);
		}
		before = above;
		above = here;
		here = spare;
	}
	return above[m];
}

void suggest_begin(struct suggestion *s, const char *word)
{
	*s = (struct suggestion){.word = word, .distance = (unsigned)strlen(word) / 3 + 1};
}

void suggest_consider(struct suggestion *s, const char *candidate)
{
	unsigned distance = edit_distance(s->word, candidate);

	/* of two that are as near the first stays: tables list the common words first */
	if (distance > s->distance || (s->nearest && distance == s->distance))
		return;
	s->nearest = candidate;
	s->distance = distance;
}

/* "Did you mean ...?": the known word that is nearest to an unknown one. */
#pragma once

struct suggestion {
	const char *word;    /* what was written */
	const char *nearest; /* NULL: nothing is near enough */
	unsigned distance;
};

void suggest_begin(struct suggestion *s, const char *word);
/* candidate must outlive s. */
void suggest_consider(struct suggestion *s, const char *candidate);

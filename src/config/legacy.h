/* Names of autonomy's predecessor: so that a file written for it is told what became of each. */
#pragma once

/*
 * What to do about a section type or an option (option NULL: the section as a whole); NULL: never
 * was one.
 */
const char *legacy_advice(const char *type, const char *option);

/* What is printed from the command table: shell completion, man pages, docs/api.md, help. */
#pragma once

#include <stdio.h>

#include "api/command.h"

/* "bash" or "zsh"; -EINVAL for another shell. */
int generate_completion(FILE *out, const char *shell);
/* "autonomyctl.8", "autonomyd.8" or "api.md"; -EINVAL for another document. */
int generate_document(FILE *out, const char *name);
/* Of all commands, or of one (NULL: all). */
void generate_help(FILE *out, const struct command *c, int width);

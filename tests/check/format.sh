#!/bin/sh
# Every C file as clang-format would have it.
set -eu
cd "$(dirname "$0")/../.."
find src tests tools -name '*.[ch]' | sort | xargs clang-format --dry-run --Werror

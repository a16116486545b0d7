#!/bin/sh
# The source tarball has the same bytes twice, and what is unpacked of it builds.
# usage: dist.sh SOURCE-TREE
set -eu
cd "$1"
git rev-parse --git-dir >/dev/null 2>&1 || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
first=$(AUTONOMY_BUILD=$work/a ./dev dist)
sleep 1.1
second=$(TZ=Asia/Tokyo LC_ALL=C.UTF-8 AUTONOMY_BUILD=$work/b ./dev dist)
cmp "$first" "$second"
tar -xzf "$first" -C "$work"
{
	cmake -S "$work"/autonomy-* -B "$work/build" -G Ninja -DAUTONOMY_TESTS=OFF && ninja -C "$work/build"
} >"$work/log" 2>&1 || {
	tail -n 50 "$work/log" >&2
	exit 1
}
"$work/build/autonomyd" --version >/dev/null
echo "as expected: $(wc -c <"$first") bytes"

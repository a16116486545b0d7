#!/bin/sh
# What ./dev and make call, with stand-ins for it: which packages they would install, where they build, what they test.
# usage: front.sh SOURCE-TREE
# shellcheck disable=SC2016
set -eu
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MFLAGS MAKELEVEL 2>/dev/null || true
bin=$work/bin
mkdir "$bin" "$work/build"
: >"$work/installed"

fail() {
	echo "FAILED: $*" >&2
	cat "$work/said" "$work/calls" >&2 || true
	exit 1
}

stand_in() {
	printf '#!/bin/sh\n%s\n' "$2" >"$bin/$1"
	chmod +x "$bin/$1"
}

for program in cmake ninja clang-tidy cppcheck strip diff xargs; do
	stand_in $program 'exit 0'
done
stand_in id 'echo 0'
# the scripts of the tests are not run, what ./dev has in a line of its own is
stand_in sh '[ "$1" != -c ] || exec /bin/sh "$@"'
stand_in dpkg-query 'for p in "$@"; do :; done
! grep -qx "$p" "$WORK/lacking" || grep -qx "$p" "$WORK/installed" || exit 1
echo installed'
# a mirror without everything for s390x, whose musl-tools is broken
stand_in apt-cache 'case $2 in *s390x*) exit 100 ;; esac'
stand_in apt-get 'echo "apt-get $*" >>"$WORK/calls"
[ "$1" != update ] || exit 0
for p in "$@"; do
	case $p in *s390x* | musl-tools) exit 100 ;; esac
done
for p in "$@"; do
	echo "$p" >>"$WORK/installed"
done'
stand_in ctest 'echo "ctest $*" >>"$WORK/calls"
case " $* " in *"$FAILING"*) exit 8 ;; esac'

# lacking PACKAGES: what is not installed at first
lacking() {
	printf '%s\n' "$@" >"$work/lacking"
	: >"$work/installed"
	: >"$work/calls"
}

# front ARGUMENTS: ./dev among the stand-ins
front() {
	code=0
	WORK=$work FAILING=${failing:-none} PATH=$bin:$PATH AUTONOMY_BUILD=$work/build ./dev "$@" >"$work/said" 2>&1 </dev/null ||
		code=$?
}

called() {
	grep -qE "$1" "$work/calls" || fail "nothing called '$1'"
}

# Debian's builder wants what it calls essential, and a small system lacks it
lacking build-essential
stand_in dpkg-buildpackage 'exit 0'
front deb
called '^apt-get install .* build-essential$'

# what a mirror lacks keeps nothing else away, and is said
lacking qemu-user libc6-dev-s390x-cross gcc-mips-linux-gnu gcc-s390x-linux-gnu musl-tools
front cross
[ $code = 0 ] || fail "./dev cross ended with $code"
for package in qemu-user gcc-mips-linux-gnu; do
	grep -qx $package "$work/installed" || fail "$package was not installed"
done
[ "$(grep -c 'apt-get update' "$work/calls")" = 1 ] || fail "the lists were not read once"
! grep -q s390x "$work/calls" || fail "what the mirror lacks was asked for"
grep -qE ': gcc-s390x-linux-gnu libc6-dev-s390x-cross musl-tools$' "$work/said" || fail "it was not said what is missing"

# system tests may need a second time; what fails of the others ends it
lacking none
front test
[ $code = 0 ] || fail "./dev test ended with $code"
called '^ctest .* -LE system '
called '^ctest .* -L system .*--repeat until-pass:2$'
[ "$(grep -c repeat "$work/calls")" = 1 ] || fail "others than system tests are tried twice"
lacking none
failing=' -LE system '
front test
[ $code = 8 ] || fail "./dev test ended with $code when a test had failed"
! grep -q ' -L system ' "$work/calls" || fail "it went on after a test had failed"

# make builds beside ./dev: in one folder each would meet the other's generator
if command -v make >/dev/null; then
	make -n all install clean >"$work/calls"
	! grep -E '(^|[ /])build([ /]|$)' "$work/calls" >&2 || fail "make builds in ./dev's folder"
fi
echo "as expected"

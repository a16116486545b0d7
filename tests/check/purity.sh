#!/bin/sh
# The core joined with what it takes from base may call nothing but mem*, str* and the compiler's own helpers: no clock, no
# I/O, no allocation, no log, no floating point.  usage: purity.sh BUILD_DIR
set -eu
build=$1
joined=$(mktemp)
trap 'rm -f "$joined"' EXIT
ld -r -o "$joined" --whole-archive "$build/libautonomy_core.a" --no-whole-archive "$build/libautonomy_base.a"
foreign=$(nm -u "$joined" | awk '{print $2}' |
	grep -vE '^(mem[a-z]+|str[a-z]+|__mem[a-z]+_chk|__stack_chk_fail|__u?(div|mod|divmod)[dt]i[34]|_GLOBAL_OFFSET_TABLE_)$' || true)
if [ -n "$foreign" ]; then
	echo "the core calls what it may not: $foreign"
	exit 1
fi
writable=$(objdump -t "$joined" | grep ' O ' | grep -E '[[:space:]]\.(bss|data)(\.|[[:space:]])' | grep -v '\.data\.rel\.ro' || true)
if [ -n "$writable" ]; then
	echo "the core has writable globals: $writable"
	exit 1
fi
echo "pure"

#!/bin/sh
# Builds for other CPUs, runs what comes of it under qemu, and compares what it writes with what this machine writes.
#
#   armhf arm64 mipsel s390x   everything, with Debian's libraries: unit tests, corpora, replay, sizes
#   mipsel16                   mipsel in the short instructions that OpenWrt uses for it: the daemon's size
#   mipselsf                   mipsel for CPUs without floating point: the daemon's code has no instruction of such a unit
#   mips                       as old routers: big-endian; no libraries exist, so base, codec, core and config alone
#   router mipselrouter        a kernel with few megabytes and without nf_tables under qemu-system; see router.sh
#   musl                       this CPU with OpenWrt's C library: the same, and the rest is compiled only
#
# The libraries are unpacked into a folder, nothing foreign is installed.  What cannot be had is said and skipped.
# usage: cross.sh SOURCE-TREE NATIVE-BUILD WORK-FOLDER ARCHITECTURE...
set -eu
tree=$1
native=$2
work=$3
shift 3
jobs=$(nproc 2>/dev/null || echo 2)
libraries='libevent-dev libevent-core-2.1-7 libmnl-dev libmnl0
	libjson-c-dev libjson-c5 zlib1g-dev zlib1g libcmocka-dev libcmocka0'
size_limit=400000
# for what no ctest ends: an emulator may hang
hang_s=1200

say() {
	printf '   %-8s %s\n' "$arch" "$*"
}

skip() {
	say "SKIPPED: $*"
	skipped="$skipped $arch"
}

describe() {
	flags=
	debian=$1
	case $1 in
	armhf) triplet=arm-linux-gnueabihf qemu=qemu-arm cpu=arm ;;
	# as the feed's package: at fixed addresses, pages of 4 kB
	arm64)
		triplet=aarch64-linux-gnu qemu=qemu-aarch64 cpu=aarch64
		flags='-fno-pie -no-pie -Wl,-z,max-page-size=4096'
		;;
	# MT7628 and its like, with OpenWrt's defaults: at fixed addresses, calls through a PLT
	mipsel)
		triplet=mipsel-linux-gnu qemu=qemu-mipsel cpu=mipsel
		flags='-mips32r2 -mtune=24kc -fno-pie -no-pie -mplt'
		;;
	mipsel16)
		debian=mipsel triplet=mipsel-linux-gnu qemu=qemu-mipsel cpu=mipsel
		flags='-mips32r2 -mtune=24kc -fno-pie -no-pie -mplt -mips16 -minterlink-mips16'
		;;
	mipselsf)
		debian=mipsel triplet=mipsel-linux-gnu qemu=qemu-mipsel cpu=mipsel
		flags='-mips32r2 -mtune=24kc -msoft-float'
		;;
	s390x) triplet=s390x-linux-gnu qemu=qemu-s390x cpu=s390x ;;
	mips) triplet=mips-linux-gnu qemu=qemu-mips cpu=mips flags='-mips32r2 -mtune=24kc' ;;
	musl) triplet=$(gcc -print-multiarch) qemu='' cpu='' ;;
	router | mipselrouter) triplet='' qemu='' cpu='' ;;
	*)
		echo "cross.sh: no architecture is called '$1'" >&2
		exit 2
		;;
	esac
	folder=$work/$1
	root=$work/$debian/root
}

# apt with lists and a status of its own, so that this machine's packages are not touched
foreign_apt() {
	command=$1
	shift
	apt-get -q -o APT::Architecture="$debian" -o APT::Architectures="$debian" -o APT::Sandbox::User=root \
		-o Dir::State="$folder/apt" -o Dir::State::status="$folder/apt/status" -o Dir::Cache="$folder/apt/cache" \
		-o Acquire::Languages=none -o Acquire::Retries=2 "$command" "$@"
}

fetch_libraries() {
	[ ! -e "$root/complete" ] || return 0
	command -v apt-get >/dev/null || return 1
	mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial" "$folder/packages" "$root"
	: >"$folder/apt/status"
	# a list of some third party may fail; what matters is whether the packages arrive
	foreign_apt update >"$folder/fetch.log" 2>&1 || true
	# shellcheck disable=SC2086
	(cd "$folder/packages" && foreign_apt download $libraries) >>"$folder/fetch.log" 2>&1 || return 1
	for package in "$folder"/packages/*.deb; do
		dpkg-deb -x "$package" "$root"
	done
	# where libraries are in /lib yet
	[ ! -d "$root/lib/$triplet" ] || cp -R "$root/lib/$triplet/." "$root/usr/lib/$triplet/"
	: >"$root/complete"
	rm -rf "$folder/apt" "$folder/packages"
}

configure_build() {
	PKG_CONFIG_LIBDIR=$root/usr/lib/$triplet/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root \
		cmake -S "$tree" -B "$folder/build" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$tree/tests/cross/toolchain.cmake" \
		-DCROSS_TRIPLET="$triplet" -DCROSS_SYSROOT="$root" -DCROSS_QEMU="$qemu" -DCROSS_CPU="$cpu" \
		-DCROSS_FLAGS="$flags" -DAUTONOMY_WERROR=ON -DAUTONOMY_TESTS=ON >"$folder/cmake.log" 2>&1 || {
		cat "$folder/cmake.log" >&2
		exit 1
	}
}

build() {
	ninja -C "$folder/build" "$@" >"$folder/build.log" 2>&1 || {
		grep -vE '^\[[0-9]+/[0-9]+\]' "$folder/build.log" >&2
		exit 1
	}
}

# What runs here; the rest of the tests' programs is for the native build.
build_all() {
	configure_build
	# shellcheck disable=SC2046
	build autonomyd autonomyctl autonomy-replay replay_plain $(ninja -C "$folder/build" -t targets all |
		grep -oE '^tests/(unit|fuzz)_[a-z0-9_]+:' | sed 's,^tests/,,; s,:$,,')
}

# qemu knows neither time stamps of packets (SO_TIMESTAMPNS) nor RTM_GETSTATS, and turns the bytes of a netlink error in
# its plain form alone: these would test qemu.  test_ctl waits for programs in real time.
beyond_qemu='unit/(io/test_(probe_socket|counters|netlink)|ctl/test_ctl)$'

run_tests() {
	ctest --test-dir "$folder/build" -L 'unit|fuzz|replay' -E "$beyond_qemu|unit/(bench|league|bus)" -j "$jobs" \
		--output-on-failure >"$folder/ctest.log" 2>&1 || {
		grep -vE ' Start +[0-9]+: | Passed ' "$folder/ctest.log" >&2
		exit 1
	}
	say "$(sed -n 's/^\(100% tests passed\).* out of \([0-9]*\)$/\1: \2 unit tests, corpora and replays/p' "$folder/ctest.log")"
}

emulated() {
	program=$1
	shift
	timeout $hang_s "$qemu" -L "/usr/$triplet" -E LD_LIBRARY_PATH="$root/usr/lib/$triplet:/usr/$triplet/lib" "$program" "$@"
}

native_run() {
	"$@"
}

# write_timelines RUN PROGRAM FOLDER: what the engine decides in some worlds, and the trace of it
write_timelines() {
	mkdir -p "$3"
	for scenario in "$tree"/tests/league/scenarios/*.json; do
		"$1" "$2" --scenario "$scenario" --traces "$tree/tests/lab/traces" --seed 7 --traffic web --quiet \
			--timeline "$3/$(basename "$scenario" .json).csv" --events "$3/$(basename "$scenario" .json).jsonl" \
			--record "$3/$(basename "$scenario" .json).trace" >"$3/said" 2>&1 || {
			cat "$3/said" >&2
			exit 1
		}
	done
	# the header has a number for the layout of the engine's memory, which is the CPU's own
	for trace in "$3"/*.trace; do
		tail -c +81 "$trace" >"$trace.body"
	done
}

# Once a run, whatever is there of before: it may be another program's, or not complete.
native_timelines() {
	[ -z "$native_written" ] || return 0
	rm -rf "$work/native"
	write_timelines native_run "$native/autonomy-replay" "$work/native"
	native_written=yes
}

compare_timelines() {
	native_timelines
	rm -rf "$folder/timelines"
	write_timelines emulated "$folder/build/autonomy-replay" "$folder/timelines"
	for file in "$work"/native/*.csv "$work"/native/*.jsonl "$work"/native/*.body; do
		cmp "$file" "$folder/timelines/$(basename "$file")"
	done
	say "timelines, events and traces of $(find "$work/native" -name '*.csv' | wc -l) worlds: the same bytes as here"
}

print_sizes() {
	text=
	for program in "$@"; do
		"$triplet-strip" -o "$folder/stripped" "$folder/build/$program"
		size=$(wc -c <"$folder/stripped")
		text="$text $program $size"
		[ "$program" != autonomyd ] || [ "$size" -le "$size_limit" ] ||
			say "WARNING: autonomyd is larger than $size_limit bytes"
	done
	say "stripped:$text"
}

# Whether compiler, emulator and libraries are there.
equipped() {
	command -v "$triplet-gcc" >/dev/null || {
		skip "$triplet-gcc is not installed"
		return 1
	}
	command -v "$qemu" >/dev/null || {
		skip "$qemu is not installed"
		return 1
	}
	fetch_libraries || {
		skip "its libraries could not be had from this machine's mirrors: $(tail -n 1 "$folder/fetch.log" 2>/dev/null)"
		return 1
	}
}

daemon_alone() {
	equipped || return 0
	configure_build
	build autonomyd
	print_sizes autonomyd
}

whole() {
	equipped || return 0
	build_all
	print_sizes autonomyd autonomyctl autonomy-replay
	compare_timelines
	run_tests
	[ "$arch" != mipsel ] || count_instructions
}

# The daemon itself, in the lab; see there for what is counted.
count_instructions() {
	code=0
	AUTONOMY_LAB_PROGRAMS=$native/tests/lab python3 "$tree/tests/cross/instructions.py" --qemu "$qemu" --cc "$triplet-gcc" \
		--libraries "$root/usr/lib/$triplet:/usr/$triplet/lib" --daemon "$folder/build/autonomyd" --build "$native" \
		>"$folder/instructions.log" 2>&1 || code=$?
	case $code in
	0) ;;
	3) say "WARNING: more than the budget" ;;
	77)
		skip "counting instructions needs root"
		return
		;;
	*)
		cat "$folder/instructions.log" >&2
		exit 1
		;;
	esac
	while read -r line; do
		say "$line"
	done <"$folder/instructions.log"
}

# The part that needs no library: sources as they are, linked statically.
portable() {
	compiler=$1
	run=$2
	rm -rf "$folder/portable"
	mkdir -p "$folder/portable"
	find "$tree/src/base" "$tree/src/codec" "$tree/src/core" "$tree/src/config" -name '*.c' >"$folder/sources"
	# shellcheck disable=SC2016,SC2086
	xargs -a "$folder/sources" -P "$jobs" -n 4 sh -c 'cd "$0" && exec "$@"' "$folder/portable" \
		$compiler $flags $portable_flags -c
	rm -f "$folder/portable.a"
	ar rcs "$folder/portable.a" "$folder"/portable/*.o
	count=0
	# shellcheck disable=SC2013
	for target in $(grep -LE '"(io|api|ctl|replay|daemon|emulator)/|json-c' "$tree"/tests/fuzz/fuzz_*.c); do
		noun=$(basename "$target" .c)
		noun=${noun#fuzz_}
		[ "$noun" != labtrace ] || continue
		# shellcheck disable=SC2086
		$compiler $flags $portable_flags -static -o "$folder/fuzz_$noun" "$target" "$tree/tests/fuzz/run_corpus.c" \
			"$folder/portable.a"
		# shellcheck disable=SC2086
		timeout $hang_s $run "$folder/fuzz_$noun" "$tree/tests/fuzz/corpus/$noun" >"$folder/fuzz_$noun.log" 2>&1 || {
			cat "$folder/fuzz_$noun.log" >&2
			exit 1
		}
		count=$((count + 1))
	done
	# shellcheck disable=SC2086
	$compiler $flags $portable_flags -static -o "$folder/plain" "$tree/tests/replay/plain.c" "$folder/portable.a"
	native_timelines
	for trace in "$work"/native/*.trace; do
		# shellcheck disable=SC2086
		timeout $hang_s $run "$folder/plain" "$trace" >"$folder/plain.log" || {
			cat "$folder/plain.log" >&2
			exit 1
		}
	done
	say "base, codec, core and config: $count corpora pass, this machine's traces replay exactly"
}

# Fractions of JSON and of ubus messages are computed by the compiler's functions; nothing else knows any.
soft_float() {
	equipped || return 0
	rm -rf "$folder/objects"
	mkdir -p "$folder/objects" "$folder/include/gnu"
	: >"$folder/include/gnu/stubs-o32_soft.h" # Debian's C library is not built for it
	find "$tree/src" -name '*.c' ! -path "$tree/src/replay*" ! -path "$tree/src/ctl/*" ! -name autonomyctl.c >"$folder/sources"
	while read -r source; do
		object=$folder/objects/$(echo "${source#"$tree/src/"}" | tr / _).o
		# shellcheck disable=SC2086
		echo "$triplet-gcc" $flags $portable_flags -isystem "$root/usr/include" -isystem "$folder/include" \
			-c "$source" -o "$object"
	done <"$folder/sources" | xargs -P "$jobs" -I{} sh -c '{}'
	"$triplet-objdump" -d "$folder"/objects/*.o | awk '{ print $3 }' |
		grep -E '\.[sdwl]$|\.ps$|^[ls][wd]c1$|^m[tf]h?c1$|^c[tf]c1$|^bc1' | sort | uniq -c >"$folder/float" || true
	[ ! -s "$folder/float" ] || {
		cat "$folder/float" >&2
		exit 1
	}
	for object in "$folder"/objects/*.o; do
		! "$triplet-nm" -u "$object" | grep -qE ' __([a-z]*[sd]f[23]?|(fix|fixuns)[sd]f[sd]i|(float|floatun)[sd]i[sd]f)$' ||
			basename "$object" .c.o
	done >"$folder/helped"
	printf '%s\n' api_blob_json api_json codec_ubus_blob | cmp - "$folder/helped"
	say "$(wc -l <"$folder/sources") files of the daemon: fractions only in JSON and ubus, no instruction of a floating point unit"
}

portable_flags="-std=gnu17 -Os -Wall -Wextra -Werror -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I$tree/src
	-I$tree/tests -include $work/version.h"

big_endian_mips() {
	command -v "$triplet-gcc" >/dev/null || {
		skip "$triplet-gcc is not installed"
		return
	}
	command -v "$qemu" >/dev/null || {
		skip "$qemu is not installed"
		return
	}
	portable "$triplet-gcc" "$qemu"
}

# Headers of the libraries and of the kernel beside musl's own, without glibc's.
musl_headers() {
	mkdir -p "$folder/include"
	for header in event2 libmnl json-c zlib.h linux asm-generic mtd; do
		ln -sfn "/usr/include/$header" "$folder/include/$header"
	done
	for header in zconf.h asm; do
		if [ -e "/usr/include/$triplet/$header" ]; then
			ln -sfn "/usr/include/$triplet/$header" "$folder/include/$header"
		else
			ln -sfn "/usr/include/$header" "$folder/include/$header"
		fi
	done
	for header in "/usr/include/$triplet"/event2/*; do
		[ -e "$header" ] || break
		rm -f "$folder/include/event2"
		mkdir -p "$folder/include/event2"
		ln -sf /usr/include/event2/* "/usr/include/$triplet"/event2/* "$folder/include/event2/"
		break
	done
}

musl() {
	command -v musl-gcc >/dev/null || {
		skip "musl-gcc is not installed"
		return
	}
	portable musl-gcc ''
	musl_headers
	find "$tree/src" -name '*.c' >"$folder/sources"
	# shellcheck disable=SC2086
	xargs -a "$folder/sources" -P "$jobs" -n 8 musl-gcc $portable_flags -isystem "$folder/include" -fsyntax-only
	say "all $(wc -l <"$folder/sources") files compile; the libraries are glibc's, so the daemon is not linked"
}

# small_router CPU BUILD
small_router() {
	code=0
	[ -x "$2/autonomyd" ] || {
		skip "its daemon was not built"
		return
	}
	sh "$tree/tests/cross/router.sh" "$tree" "$2" "$work" "$1" >"$folder/router.log" 2>&1 || code=$?
	while read -r line; do
		say "$line"
	done <"$folder/router.log"
	case $code in
	0) ;;
	77) skipped="$skipped $arch" ;;
	*) exit 1 ;;
	esac
}

mkdir -p "$work"
# the trace's header names it, so it must be the same everywhere
printf '#define AUTONOMY_VERSION "%s"\n' "$(sed -n 's/^set(AUTONOMY_VERSION \(.*\))$/\1/p' "$tree/CMakeLists.txt")" \
	>"$work/version.h"
skipped=
native_written=
for arch in "$@"; do
	describe "$arch"
	mkdir -p "$folder"
	start=$(date +%s)
	case $arch in
	mips) big_endian_mips ;;
	musl) musl ;;
	mipsel16) daemon_alone ;;
	mipselsf) soft_float ;;
	router) small_router "$(uname -m)" "$native" ;;
	mipselrouter) small_router mipsel "$work/mipsel/build" ;;
	*) whole ;;
	esac
	say "$(($(date +%s) - start)) s"
done
[ -z "$skipped" ] || printf '   skipped:%s\n' "$skipped"

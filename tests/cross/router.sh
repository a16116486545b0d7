#!/bin/sh
# A small router under qemu: a kernel of Debian's with few megabytes, iptables and no nf_tables, two providers in
# namespaces.  The daemon is started, its link is cut, memory is used up (router-guest.sh); what it did is checked and printed.
#
# Only emulation (TCG) is needed, no root and no network in it.  The packages are unpacked into a folder.
# usage: router.sh TREE BUILD WORK-FOLDER x86_64|mipsel [KERNEL-PACKAGE.deb]
# 77: what it needs cannot be had here.
set -eu
tree=$1
build=$2
work=$3/router-$4
cpu=$4
kernel_package=${5:-}
packages='busybox-static iproute2 iptables libevent-core-2.1-7 libmnl0 libjson-c5 zlib1g'
boot_s=600

case $cpu in
x86_64)
	debian=amd64 qemu=qemu-system-x86_64 kernel='linux-image-cloud-amd64' memory=${ROUTER_MEMORY:-96M}
	machine='-machine pc' strip=strip
	;;
mipsel)
	debian=mipsel qemu=qemu-system-mipsel kernel='linux-image-4kc-malta' memory=${ROUTER_MEMORY:-64M}
	machine='-machine malta -cpu 24Kf' strip=mipsel-linux-gnu-strip
	;;
*)
	echo "SKIPPED: no kernel is known for $cpu"
	exit 77
	;;
esac

skip() {
	echo "SKIPPED: $*"
	exit 77
}

# apt with lists and a status of its own, so that this machine's packages are not touched
foreign() {
	tool=$1
	shift
	"$tool" -q -o APT::Architecture=$debian -o APT::Architectures=$debian -o APT::Sandbox::User=root \
		-o Dir::State="$work/apt" -o Dir::State::status="$work/apt/status" -o Dir::Cache="$work/apt/cache" \
		-o Acquire::Languages=none -o Acquire::Retries=2 -o APT::Install-Recommends=false "$@"
}

# The kernel that the package of its kind stands for.
fetch_kernel() {
	name=$(foreign apt-cache depends "$kernel" | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1)
	[ -n "$name" ] || return 1
	(cd "$work/kernel" && foreign apt-get download "$name") >>"$work/fetch.log" 2>&1 || return 1
	kernel_package=$(echo "$work"/kernel/*.deb)
}

fetch() {
	[ ! -e "$work/complete" ] || return 0
	command -v apt-get >/dev/null || return 1
	rm -rf "$work"
	mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$work/root" "$work/kernel"
	: >"$work/apt/status"
	foreign apt-get update >"$work/fetch.log" 2>&1 || true
	# shellcheck disable=SC2086
	foreign apt-get -y --download-only install $packages >>"$work/fetch.log" 2>&1 || return 1
	for package in "$work"/apt/cache/archives/*.deb; do
		dpkg-deb -x "$package" "$work/root"
	done
	[ -n "$kernel_package" ] || fetch_kernel || return 1
	dpkg-deb -x "$kernel_package" "$work/kernel"
	rm -rf "$work/apt" "$work"/kernel/*.deb
	: >"$work/complete"
}

# The programs and libraries that the guest needs, of what the packages have.
copy_programs() {
	mkdir -p "$image/bin" "$image/sbin" "$image/lib" "$image/proc" "$image/sys" "$image/dev" "$image/tmp" "$image/run"
	cp "$work/root/bin/busybox" "$image/bin/"
	# not where busybox puts its own "ip"
	cp "$work/root/bin/ip" "$work/root/usr/sbin/xtables-legacy-multi" "$image/sbin/"
	for name in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
		ln -sf xtables-legacy-multi "$image/sbin/$name"
	done
	cp "$build/autonomyd" "$build/autonomyctl" "$image/sbin/"
	$strip "$image/sbin/autonomyd" "$image/sbin/autonomyctl"
	cp "$tree/tests/cross/router-guest.sh" "$image/init"
	chmod +x "$image/init"
}

# Libraries by the names that programs and libraries ask for; false when there is none left.
copy_missing() {
	more=false
	# shellcheck disable=SC2044
	for name in $(find "$image/sbin" "$image/lib" -type f -exec readelf -d {} + 2>/dev/null |
		sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u); do
		[ ! -e "$image/lib/$name" ] || continue
		file=$(find "$work/root" -name "$name" | head -n 1)
		[ -n "$file" ] || skip "no package has $name"
		cp -L "$file" "$image/lib/$name"
		more=true
	done
	$more
}

copy_libraries() {
	mkdir -p "$image/lib/xtables"
	for name in mark connmark conntrack standard MARK CONNMARK; do
		for extension in "$work"/root/usr/lib/*/xtables/lib*"t_$name.so"; do
			cp "$extension" "$image/lib/xtables/"
		done
	done
	while copy_missing; do
		:
	done
	interpreter=$(readelf -l "$image/sbin/autonomyd" | sed -n 's,.*interpreter: \(/[^]]*\)].*,\1,p')
	mkdir -p "$image$(dirname "$interpreter")"
	[ -e "$image$interpreter" ] ||
		cp -L "$(find "$work/root" -name "$(basename "$interpreter")" | head -n 1)" "$image$interpreter"
}

# What the guest loads, and what that stands on; nf_tables is not among it.
copy_modules() {
	folder=$(echo "$work"/kernel/lib/modules/*)
	release=$(basename "$folder")
	depmod -b "$work/kernel" "$release"
	# shellcheck disable=SC2013
	for module in $(sed -n "s/^modules='\(.*\)'$/\1/p" "$tree/tests/cross/router-guest.sh"); do
		grep -E "/$module\.ko(\.xz)?:" "$folder/modules.dep" | tr -d : | tr ' ' '\n'
	done | sort -u | while read -r file; do
		mkdir -p "$image/lib/modules/$release/$(dirname "$file")"
		cp "$folder/$file" "$image/lib/modules/$release/$file"
	done
	cp "$folder"/modules.builtin* "$folder/modules.order" "$image/lib/modules/$release/"
	depmod -b "$image" "$release"
}

for tool in $qemu depmod cpio dpkg-deb $strip; do
	command -v "$tool" >/dev/null || skip "$tool is not installed"
done
fetch || skip "its packages could not be had from this machine's mirrors: $(tail -n 1 "$work/fetch.log")"
image=$work/image
rm -rf "$image"
copy_programs
copy_libraries
copy_modules
(cd "$image" && find . | cpio -o -H newc --quiet) | gzip >"$work/image.gz"
# shellcheck disable=SC2086
timeout $boot_s $qemu $machine -accel tcg -m "$memory" -nographic -no-reboot -nic none -kernel "$work"/kernel/boot/vmlinuz-* \
	-initrd "$work/image.gz" -append 'console=ttyS0 panic=-1 quiet' </dev/null >"$work/console.log" 2>&1 || true
tr -d '\r' <"$work/console.log" | sed -n 's/^.*ROUTER: //p'
grep -q '^ROUTER: passed' "$work/console.log" || {
	tail -n 40 "$work/console.log" >&2
	exit 1
}

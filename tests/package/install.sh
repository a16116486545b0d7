#!/bin/sh
# What is installed where; a configuration that is there stays; the unit names the program where it is.
# usage: install.sh BUILD-TREE
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
install_to() {
	DESTDIR=$work cmake --install "$1" --prefix "$2" >/dev/null
}
install_to "$1" /usr/local
(cd "$work" && find . -type f | sort) >"$work.said"
mv "$work.said" "$work/said"
diff -u - "$work/said" <<END
./etc/config/autonomy
./usr/local/lib/systemd/system/autonomy.service
./usr/local/sbin/autonomy-replay
./usr/local/sbin/autonomyctl
./usr/local/sbin/autonomyd
./usr/local/share/bash-completion/completions/autonomyctl
./usr/local/share/man/man8/autonomyctl.8
./usr/local/share/man/man8/autonomyd.8
./usr/local/share/zsh/vendor-completions/_autonomyctl
END
grep -q '^ExecStart=/usr/local/sbin/autonomyd' "$work/usr/local/lib/systemd/system/autonomy.service"
echo "# mine" >"$work/etc/config/autonomy"
install_to "$1" /usr
grep -qx "# mine" "$work/etc/config/autonomy"
unit=$work/usr/lib/systemd/system/autonomy.service
grep -q '^ExecStart=/usr/sbin/autonomyd' "$unit"
if command -v systemd-analyze >/dev/null; then
	# of a unit in a folder of its own only what is its own is told
	systemd-analyze verify --man=no --root="$work" "$unit" 2>&1 | grep -E 'autonomy.service:[0-9]+:' && exit 1
fi
echo "as expected"

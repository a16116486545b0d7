#!/bin/sh
# What the script that runs once after installation makes of a configuration, in every shell there is.
# usage: defaults.sh SCRIPT
set -eu
script=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/bin" "$work/root/etc/config"
config=$work/root/etc/config/autonomy

# imports what says "old", cannot read what says "broken"
cat >"$work/bin/autonomyctl" <<'END'
#!/bin/sh
[ "$1 $2 $4" = "config import --output" ] || exit 2
if grep -q broken "$3"; then
	echo "line 1: what is this"
	exit 1
fi
if grep -q old "$3"; then
	echo "config new 'new'" >"$5"
	echo "old: dropped"
fi
END
chmod +x "$work/bin/autonomyctl"
# shells may have a logger of their own: a function wins
cat >"$work/run" <<'END'
logger() {
	if [ $# -gt 4 ]; then echo "$5"; else cat; fi
}
. "$1"
END
run() {
	# shellcheck disable=SC2086
	env PATH="$work/bin:$PATH" IPKG_INSTROOT="$work/root" $1 "$work/run" "$script" >"$work/said" 2>&1
}

state="
config autonomy 'main'
	option state_dir '/etc/autonomy'"

for shell in sh dash "busybox ash" bash; do
	command -v "${shell% *}" >/dev/null || continue
	rm -rf "$work/root/etc/autonomy"

	rm -f "$config"
	run "$shell"
	[ ! -e "$config" ]

	printf '# today\n\toption state_dir /x\n' >"$config"
	run "$shell"
	[ "$(cat "$config")" = "$(printf '# today\n\toption state_dir /x')" ]
	[ ! -e "$work/root/etc/autonomy/config.before" ] && [ ! -s "$work/said" ]

	echo "old" >"$config"
	run "$shell"
	[ "$(cat "$config")" = "config new 'new'
$state" ]
	[ "$(cat "$work/root/etc/autonomy/config.before")" = old ]
	grep -q "old: dropped" "$work/said"
	rm "$work/root/etc/autonomy/config.before"
	# and again: nothing changes
	run "$shell"
	[ "$(grep -c state_dir "$config")" = 1 ]

	echo "broken" >"$config"
	run "$shell"
	[ "$(head -n 1 "$config")" = broken ]
	grep -q "line 1: what is this" "$work/said"
	echo "$shell: as expected"
done

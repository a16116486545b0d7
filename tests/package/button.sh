#!/bin/sh
# What a button does, with hotplug-call's words around the script, in every shell there is.
# usage: button.sh HOTPLUG-SCRIPT
set -eu
script=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

stub() {
	printf '#!/bin/sh\n%s\n' "$2" >"$work/bin/$1"
	chmod +x "$work/bin/$1"
}
mkdir "$work/bin"
# shellcheck disable=SC2016
{
	stub uci '[ "$*" = "-q get autonomy.@autonomy[0].button" ] && cat "$WORK/button"'
	stub ubus 'echo "ubus $*" >>"$WORK/called"; exit "$(cat "$WORK/status")"'
	stub logger 'echo "log $*" >>"$WORK/called"'
}
cat >"$work/hotplug-call" <<'END'
for word in $1; do ([ -f "$word" ] && . "$word"); done
END

# expect WHAT ACTION BUTTON SEEN: what is called is what follows on standard input
expect() {
	: >"$work/called"
	# shellcheck disable=SC2086
	env PATH="$work/bin:$PATH" WORK="$work" ACTION="$2" BUTTON="$3" SEEN="$4" HOTPLUG_TYPE=button \
		$shell "$work/hotplug-call" "$script" || true
	cat >"$work/expected"
	diff -u "$work/expected" "$work/called" || {
		echo "$shell: $1" >&2
		exit 1
	}
}

all_of() {
	echo 0 >"$work/status"
	: >"$work/button"
	expect "no button is named" released BTN_1 0 </dev/null
	expect "no button at all" released "" "" </dev/null
	echo BTN_1 >"$work/button"
	expect "another button" released wps 0 </dev/null
	expect "not let go yet" pressed BTN_1 4 </dev/null
	expect "short" released BTN_1 0 <<-END
		ubus -t 5 call autonomy failover
		log -t autonomy -p daemon.notice button BTN_1: failover
	END
	expect "long" released BTN_1 3 <<-END
		ubus -t 5 call autonomy restore
		log -t autonomy -p daemon.notice button BTN_1: restore
	END
	expect "not a number" released BTN_1 x <<-END
		ubus -t 5 call autonomy failover
		log -t autonomy -p daemon.notice button BTN_1: failover
	END
	echo 4 >"$work/status"
	expect "no daemon" released BTN_1 0 <<-END
		ubus -t 5 call autonomy failover
		log -t autonomy -p daemon.err button BTN_1: failover is not possible now
	END
}

for shell in sh dash "busybox ash" bash; do
	command -v "${shell% *}" >/dev/null || continue
	all_of
	echo "$shell: as expected"
done

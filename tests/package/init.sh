#!/bin/sh
# What the init script gives procd, by functions that write down what they are called with, in every shell there is.
# usage: init.sh INIT-SCRIPT
set -eu
script=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Programs that the script calls: each says how it was called.
stub() {
	printf '#!/bin/sh\n%s\n' "$2" >"$work/bin/$1"
	chmod +x "$work/bin/$1"
}
mkdir "$work/bin"
stub autonomyd 'echo "autonomyd $*"'
stub autonomyctl "echo 'line 1: not an option'; exit \"\$(cat $work/invalid)\""
stub uci "cat $work/release_on_stop"

# As rc.common does: the script's functions, procd's words around them, then the action.
cat >"$work/rc" <<'END'
for word in procd_open_instance procd_set_param procd_close_instance procd_add_reload_trigger procd_send_signal; do
	eval "$word() { echo \"$word\${*:+ \$*}\"; }"
done
logger() {
	while [ $# -gt 1 ]; do shift; done
	echo "log: $1"
}
sleep() { :; }
procd_running() { [ -e "$WORK/running" ]; }
start() {
	start_service
	echo "triggers:"
	service_triggers
}
stop() {
	stop_service
	echo "killed"
	rm -f "$WORK/running"
}
. "$1"
"$2"
END

# expect SHELL ACTION CODE: what it says is what follows on standard input
expect() {
	code=0
	# shellcheck disable=SC2086
	env PATH="$work/bin:$PATH" WORK="$work" $1 "$work/rc" "$script" "$2" >"$work/said" 2>&1 || code=$?
	cat >"$work/expected"
	if ! [ "$code" = "$3" ] || ! diff -u "$work/expected" "$work/said"; then
		echo "$1: $2 ended with $code instead of $3, or said something else" >&2
		exit 1
	fi
}

instance="procd_open_instance main
procd_set_param command $work/bin/autonomyd --run-dir /var/run/autonomy --give-up 5
procd_set_param respawn 300 1 5
procd_set_param limits core=0 nofile=1024 1024
procd_set_param term_timeout 15
procd_set_param nice -10
procd_set_param stdout 0
procd_set_param stderr 0
procd_close_instance
triggers:
procd_add_reload_trigger autonomy"

all_of() {
	echo 0 >"$work/invalid"
	: >"$work/release_on_stop"
	rm -f "$work/running"

	echo "$instance" | expect "$1" start 0
	echo 1 >"$work/invalid"
	expect "$1" start 0 <<-END
		log: line 1: not an option
		log: /etc/config/autonomy is not valid: the defaults are used
		$instance
	END

	# not running: reload starts it
	echo 0 >"$work/invalid"
	echo "$instance" | expect "$1" reload_service 0
	: >"$work/running"
	echo "procd_send_signal autonomy main HUP" | expect "$1" reload_service 0
	echo 1 >"$work/invalid"
	expect "$1" reload_service 1 <<-END
		log: line 1: not an option
		log: /etc/config/autonomy is not valid: the configuration in use stays
	END

	# the daemon does by itself what is configured; after a crash the script does it
	echo killed | expect "$1" stop 0
	echo killed | expect "$1" stop 0
	echo 1 >"$work/release_on_stop"
	: >"$work/running"
	echo killed | expect "$1" stop 0
	expect "$1" stop 0 <<-END
		autonomyd --run-dir /var/run/autonomy --release
		killed
	END
	: >"$work/running"
	expect "$1" release 0 <<-END
		killed
		autonomyd --run-dir /var/run/autonomy --release
	END

	mv "$work/bin/autonomyd" "$work/aside"
	expect "$1" start_service 1 <<-END
		log: autonomyd is not installed
	END
	mv "$work/aside" "$work/bin/autonomyd"
}

for shell in sh dash "busybox ash" bash; do
	command -v "${shell% *}" >/dev/null || continue
	all_of "$shell"
	echo "$shell: as expected"
done

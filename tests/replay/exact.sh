#!/bin/sh
# A scenario gives the same timeline twice; its trace replays exactly, also in a program of core and base alone; a damaged
# trace is told as such.
# usage: exact.sh AUTONOMY-REPLAY REPLAY-PLAIN FOLDER, with EMULATOR for programs of another CPU
set -eu
folder=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck disable=SC2016
for name in replay plain; do
	printf '#!/bin/sh\nexec %s "%s" "$@"\n' "${EMULATOR:-}" "$1" >"$work/$name"
	chmod +x "$work/$name"
	shift
done
replay=$work/replay plain=$work/plain

for traffic in none voip web; do
	for i in 1 2; do
		"$replay" --scenario "$folder/two-links.json" --traces "$folder" --traffic $traffic --quiet \
			--timeline "$work/timeline-$i" --events "$work/events-$i" --record "$work/trace-$i"
		cmp "$work/timeline-1" "$work/timeline-$i"
		cmp "$work/events-1" "$work/events-$i"
		cmp "$work/trace-1" "$work/trace-$i"
	done
	"$replay" "$work/trace-1" | tee "$work/said"
	grep -q "all the same" "$work/said"
	"$plain" "$work/trace-1"
	# the black hole of the first link must have been left
	grep -q ",backup$" "$work/timeline-1"
done

gzip -c "$work/trace-1" >"$work/trace.gz"
"$replay" "$work/trace.gz" | grep -q "all the same"

fails_with() {
	code=0
	"$replay" "$1" >"$work/said" 2>&1 || code=$?
	cat "$work/said"
	[ "$code" = "$2" ]
	grep -q "$3" "$work/said"
}
head -c 20000 "$work/trace-1" >"$work/cut"
fails_with "$work/cut" 3 "cut off"
cp "$work/trace-1" "$work/damaged"
printf '\377\377' | dd of="$work/damaged" bs=1 seek=9000 conv=notrunc 2>/dev/null
fails_with "$work/damaged" 3 "not an exact replay"
fails_with "$folder/two-links.json" 3 "not a trace"
: >"$work/empty"
fails_with "$work/empty" 3 "cut off"

#!/bin/sh
# Arrows go one way: base <- core <- config <- api <- io <- daemon; base <- codec <- config, io; api <- ctl.
# Prints every include of src/ that points upwards; fails when there is one.
set -eu
cd "$(dirname "$0")/../../src"

may() { # folder -> folders that it may include from
	case $1 in
	base) echo base ;;
	codec) echo base codec ;;
	core) echo base core ;;
	config) echo base codec core config ;;
	api) echo base codec core config api ;;
	io) echo base codec core config api io ;;
	daemon) echo base codec core config api io daemon ;;
	ctl) echo base codec core config api ctl ;;
	replay) echo base codec core config replay ;;
	*) echo "" ;;
	esac
}

bad=0
for folder in */; do
	folder=${folder%/}
	allowed=" $(may "$folder") "
	if [ "$allowed" = "  " ]; then
		echo "$folder: a folder that tests/check/layers.sh does not know"
		bad=1
		continue
	fi
	for file in "$folder"/*.[ch]; do
		[ -e "$file" ] || continue
		for include in $(sed -n 's/^#include "\([a-z0-9_]*\)\/.*/\1/p' "$file" | sort -u); do
			case "$allowed" in
			*" $include "*) ;;
			*)
				echo "$file includes from $include/: $folder may include from:$allowed"
				bad=1
				;;
			esac
		done
	done
done
exit $bad

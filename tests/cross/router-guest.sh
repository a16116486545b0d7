#!/bin/busybox sh
# The first process of the guest of router.sh.  Lines that begin with "ROUTER: " are its result.
export PATH=/sbin:/bin LD_LIBRARY_PATH=/lib XTABLES_LIBDIR=/lib/xtables
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev 2>/dev/null
mount -t tmpfs none /tmp
mkdir -p /tmp/run /tmp/state
# nf_tables is none of them
modules='crc32c_generic veth nf_conntrack nf_conntrack_netlink iptable_mangle ip6table_mangle iptable_filter xt_mark xt_connmark xt_conntrack ipv6'
targets='1.1.1.1 8.8.8.8 9.9.9.9 208.67.222.222 94.140.14.14 104.16.132.229 198.51.100.1'

# busybox's shell prefers its own
ip() {
	/sbin/ip "$@"
}

say() {
	echo "ROUTER: $*"
}

fail() {
	say "FAILED: $*"
	cat /tmp/daemon.log
	dmesg | tail -n 30
	poweroff -f
	sleep 60
}

inside() {
	namespace=$1
	shift
	ip netns exec "$namespace" "$@"
}

available_kb() {
	awk '/^MemAvailable:/ { print $2 }' /proc/meminfo
}

status_kb() {
	awk -v "key=$1:" '$1 == key { print $2 }' "/proc/$daemon/status"
}

active() {
	ip route get 198.51.100.1 mark 0 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p'
}

# Until the condition is true; at most $1 tenths of a second.
wait_for() {
	left=$1
	shift
	until "$@"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		sleep 0.1
	done
}

load_modules() {
	for module in $modules; do
		modprobe "$module" 2>/dev/null
	done
}

# wan0 and wan1 lead to a provider each; behind both are the same addresses.  A client behind lan0.
make_network() {
	ip link set lo up
	for n in 0 1; do
		ip netns add "isp$n"
		ip link add "wan$n" type veth peer name port netns "isp$n"
		ip addr add "10.0.$n.2/24" dev "wan$n"
		ip link set "wan$n" up
		inside "isp$n" ip addr add "10.0.$n.1/24" dev port
		inside "isp$n" ip link set port up
		inside "isp$n" ip link set lo up
		for address in $targets; do
			inside "isp$n" ip addr add "$address/32" dev lo
		done
		inside "isp$n" ip route add default via "10.0.$n.2"
		ip route add default via "10.0.$n.1" dev "wan$n" metric $((10 + n))
	done
	ip netns add lan
	ip link add lan0 type veth peer name port netns lan
	ip addr add 192.168.1.1/24 dev lan0
	ip link set lan0 up
	inside lan ip addr add 192.168.1.2/24 dev port
	inside lan ip link set port up
	inside lan ip route add default via 192.168.1.1
	echo 1 >/proc/sys/net/ipv4/ip_forward
}

# What is free beyond $1 kB is taken by a file in memory.
leave_free() {
	spare=$(($(available_kb) - $1))
	[ "$spare" -le 0 ] || dd if=/dev/zero of=/tmp/ballast bs=1024 count="$spare" 2>/dev/null
}

settled() {
	uses wan0 && autonomyctl --socket /tmp/run/autonomy.sock status --json 2>/dev/null >/tmp/status &&
		[ "$(grep -o '"health": *"up"' /tmp/status | wc -l)" -ge 2 ]
}

uses() {
	[ "$(active)" = "$1" ]
}

# The most answers in a row that the client lacks.
client_lost() {
	sed -n 's/.*seq=\([0-9]*\).*/\1/p' /tmp/ping |
		awk 'NR > 1 && $1 - last > gap { gap = $1 - last } { last = $1 } END { print gap - 1 }'
}

load_modules
make_network
say "kernel $(uname -r) $(uname -m), memory $(awk '/^MemTotal:/ { print $2 }' /proc/meminfo) kB"
printf "config autonomy 'main'\n\toption log_syslog '0'\n" >/tmp/config
autonomyd --config /tmp/config --run-dir /tmp/run --state-dir /tmp/state --foreground >/tmp/daemon.log 2>&1 &
daemon=$!
wait_for 600 settled || fail "both links are not up, traffic goes by '$(active)'"
leave_free 20480
sync
say "$(available_kb) kB are available beside the daemon, whose RSS is $(status_kb VmRSS) kB, anonymous $(status_kb RssAnon) kB"
[ "$(cat "/proc/$daemon/oom_score_adj")" = -500 ] || fail "the OOM score is not set"
grep -q '^nf_tables ' /proc/modules && fail "nf_tables is loaded"
iptables-save -t mangle | grep -q AUTONOMY || fail "the iptables ruleset is not there"

inside lan ping -i 0.1 -w 15 198.51.100.1 >/tmp/ping 2>&1 &
ping=$!
sleep 5
inside isp0 iptables -A INPUT -j DROP
wait_for 300 uses wan1 || fail "the link that is silent was not left"
wait $ping
say "a silent link was left; a client that asks ten times a second lacks $(client_lost) answers"
[ "$(client_lost)" -lt 30 ] || fail "the client waited too long"

# something eats all memory: the kernel ends that and not the daemon
(echo 500 >/proc/self/oom_score_adj; exec tail /dev/zero) >/dev/null 2>&1
kill -0 $daemon 2>/dev/null || fail "the daemon is gone"
[ "$(dmesg | grep -c 'Killed process')" -gt 0 ] || fail "memory was not used up"
dmesg | grep 'Killed process' | grep -q autonomyd && fail "the daemon was chosen"
inside isp0 iptables -D INPUT -j DROP
inside isp1 iptables -A INPUT -j DROP
wait_for 300 uses wan0 || fail "with its memory used up for a while, the daemon does not move back"
say "memory was used up, the kernel ended what used it; then traffic was moved back, RSS at most $(status_kb VmHWM) kB"
kill $daemon
wait $daemon
say passed
poweroff -f
sleep 60

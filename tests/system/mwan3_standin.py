"""What mwan3 leaves in a router: a stand-in that makes the same rules, tables, chains and state
files from the same configuration, and changes them on the same events.  It has no tracker of its
own: a test says what that would have found.
"""
import subprocess

MASK = 0x3F00
SHIFT = 8
DEFAULT, UNREACHABLE, BLACKHOLE = 63, 62, 61
FREE = f"-m mark --mark 0x0/{MASK:#x}"


def mark(number):
    return f"-j MARK --set-xmark {number << SHIFT:#x}/{MASK:#x}"


class Mwan3:
    """interfaces: {name: device}, in order; members: {name: (interface, metric, weight)};
    policies: {name: [members]}; rules: [(policy, {option: value})].

    The real one loses packets whenever it starts and stops, because its chains give marks to which no table is there yet.
    gentle: what gives marks comes last and goes first, so whatever is lost is lost by somebody else."""

    def __init__(self, namespace, directory, interfaces, members, policies, rules, connected=(), gentle=False):
        self.namespace, self.directory = namespace, directory
        self.interfaces, self.members, self.policies, self.rules = interfaces, members, dict(policies), rules
        self.connected, self.gentle = connected, gentle
        self.number = {name: i for i, name in enumerate(interfaces, 1)}
        self.online = dict.fromkeys(interfaces, True)
        self.up = set()
        self.config = directory / "mwan3"
        (directory / "iface_state").mkdir(parents=True, exist_ok=True)
        self.write_config()

    def run(self, *words, input=None, check=True):
        done = subprocess.run(["ip", "netns", "exec", self.namespace, *map(str, words)], input=input, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if check and done.returncode:
            raise AssertionError(f"{words}: {done.stdout}\n{input or ''}")
        return done.stdout

    def write_config(self):
        lines = ["config globals 'globals'", f"\toption mmx_mask '{MASK:#x}'"]
        for name in self.interfaces:
            lines += [f"config interface '{name}'", "\toption enabled '1'", "\toption family 'ipv4'"]
        for name, (interface, metric, weight) in self.members.items():
            lines += [f"config member '{name}'", f"\toption interface '{interface}'",
                      f"\toption metric '{metric}'", f"\toption weight '{weight}'"]
        for name, members in self.policies.items():
            lines += [f"config policy '{name}'", *(f"\tlist use_member '{m}'" for m in members)]
        for i, (policy, options) in enumerate(self.rules):
            lines += [f"config rule 'rule{i}'", f"\toption use_policy '{policy}'", "\toption family 'ipv4'",
                      *(f"\toption {key} '{value}'" for key, value in options.items())]
        self.config.write_text("\n".join(lines) + "\n")

    def tables(self, *lines):
        self.run("iptables-restore", "-T", "mangle", "-w", "-n", input="\n".join(["*mangle", *lines, "COMMIT", ""]))

    # What its service does.

    def start(self):
        hook = [f"-A mwan3_hook {FREE} -j CONNMARK --restore-mark --nfmask {MASK:#x} --ctmask {MASK:#x}",
                f"-A mwan3_hook {FREE} -j mwan3_ifaces_in", f"-A mwan3_hook {FREE} -j mwan3_connected_ipv4",
                f"-A mwan3_hook {FREE} -j mwan3_rules",
                f"-A mwan3_hook -j CONNMARK --save-mark --nfmask {MASK:#x} --ctmask {MASK:#x}"]
        chains = ["mwan3_hook", "mwan3_ifaces_in", "mwan3_connected_ipv4", "mwan3_rules",
                  *(f"mwan3_policy_{p}" for p in self.policies)]
        self.tables(*(f"-N {c}" for c in chains), *hook,
                    *(f"-A mwan3_connected_ipv4 -d {net} {mark(DEFAULT)}" for net in self.connected))
        if not self.gentle:
            self.hook("-A")
        self.run("ip", "rule", "add", "pref", 2000 + BLACKHOLE, "fwmark", f"{BLACKHOLE << SHIFT:#x}/{MASK:#x}", "blackhole")
        self.run("ip", "rule", "add", "pref", 2000 + UNREACHABLE, "fwmark", f"{UNREACHABLE << SHIFT:#x}/{MASK:#x}",
                 "unreachable")
        for name in self.interfaces:
            self.ifup(name, rebuild=False)
        self.build_policies()
        self.tables("-F mwan3_rules", *(line for i, rule in enumerate(self.rules) for line in self.rule_lines(i, *rule)))
        if self.gentle:
            self.hook("-A")

    def hook(self, verb):
        self.tables(f"{verb} PREROUTING -j mwan3_hook", f"{verb} OUTPUT -j mwan3_hook")

    def rule_lines(self, number, policy, options):
        words = {"src_ip": "-s", "dest_ip": "-d"}
        ports = f" -m multiport --dports {options['dest_port']}" if "dest_port" in options else ""
        condition = (f"-A mwan3_rules -p {options.get('proto', 'all')} "
                     + " ".join(f"{words[k]} {v}" for k, v in options.items() if k in words) + f"{ports} {FREE}")
        if not options.get("sticky"):
            return [f"{condition} -j mwan3_policy_{policy}"]
        return [*self.sticky_chain(f"rule{number}", policy, options), f"{condition} -j mwan3_rule_rule{number}"]

    def sticky_chain(self, rule, policy, options):
        """The real one keeps addresses and marks in a set of type hash:ip,mark, which few kernels have; here it is a
        list of addresses for each mark.  A member comes into question if its interface is up and in the policy's chain."""
        chain, seconds = f"mwan3_rule_{rule}", options.get("timeout", 600)
        numbers = [self.number[i] for i, _ in self.lowest(policy) if i in self.up]
        lines = [f"-N {chain}"]
        for number in reversed(numbers):
            lines += [f"-A {chain} {FREE} {mark(number)}",
                      f"-A {chain} -m mark --mark {number << SHIFT:#x}/{MASK:#x} -m recent --name {rule}_{number} --rsource "
                      f"! --rcheck --seconds {seconds} -j MARK --set-xmark 0x0/{MASK:#x}"]
        lines.append(f"-A {chain} {FREE} -j mwan3_policy_{policy}")
        lines += [f"-A {chain} -m mark --mark {n << SHIFT:#x}/{MASK:#x} -m recent --name {rule}_{n} --rsource --set"
                  for n in self.number.values()]
        return lines

    def stop(self):
        if self.gentle:
            self.hook("-D")
        for name in list(self.up):
            self.run("ip", "route", "flush", "table", self.number[name], check=False)
        for line in self.run("ip", "rule").splitlines():
            pref = int(line.split(":")[0])
            if 1000 <= pref < 4000:
                self.run("ip", "rule", "del", "pref", pref)
        chains = [words.split()[1] for words in self.run("iptables", "-t", "mangle", "-w", "-S").splitlines()
                  if words.startswith("-N mwan3")]
        if not self.gentle:
            self.hook("-D")
        self.tables(*(f"-F {c}" for c in chains), *(f"-X {c}" for c in chains))
        self.up.clear()

    def restart(self):
        self.stop()
        self.start()

    # Its hotplug events.

    def ifup(self, name, rebuild=True):
        number, device = self.number[name], self.interfaces[name]
        chain = f"mwan3_iface_in_{name}"
        fresh = name not in self.up
        self.tables(f"-N {chain}" if fresh else f"-F {chain}",
                    *(f"-A {chain} -i {device} -s {net} {FREE} {mark(DEFAULT)}" for net in self.connected),
                    f"-A {chain} -i {device} {FREE} {mark(number)}",
                    *([f"-A mwan3_ifaces_in {FREE} -j {chain}"] if fresh else []))
        self.remove_rules(number)
        own = f"{number << SHIFT:#x}/{MASK:#x}"
        self.run("ip", "rule", "add", "pref", 1000 + number, "iif", device, "lookup", number)
        self.run("ip", "rule", "add", "pref", 2000 + number, "fwmark", own, "lookup", number)
        self.run("ip", "rule", "add", "pref", 3000 + number, "fwmark", own, "unreachable")
        for route in self.run("ip", "route", "show", "table", "main").splitlines():
            if not route.startswith("default") or f" dev {device} " in route + " ":
                self.run("ip", "route", "replace", "table", number, *route.replace("linkdown", "").split(), check=False)
        self.up.add(name)
        self.set_state(name, True, rebuild)

    def ifdown(self, name):
        number = self.number[name]
        self.remove_rules(number)
        self.run("ip", "route", "flush", "table", number, check=False)
        self.tables(f"-D mwan3_ifaces_in {FREE} -j mwan3_iface_in_{name}", f"-F mwan3_iface_in_{name}",
                    f"-X mwan3_iface_in_{name}")
        self.up.discard(name)
        self.set_state(name, False)

    def remove_rules(self, number):
        for line in self.run("ip", "rule").splitlines():
            pref = int(line.split(":")[0])
            if 1000 < pref < 4000 and pref % 1000 == number:
                self.run("ip", "rule", "del", "pref", pref)

    def set_state(self, name, online, rebuild=True):
        """connected and disconnected: what the tracker found."""
        self.online[name] = online
        (self.directory / "iface_state" / name).write_text("online\n" if online else "offline\n")
        if rebuild:
            self.build_policies()

    def lowest(self, policy):
        rows = [self.members[m] for m in self.policies[policy] if self.online[self.members[m][0]]]
        least = min((metric for _, metric, _ in rows), default=0)
        return [(interface, weight) for interface, metric, weight in rows if metric == least]

    def build_policies(self):
        for policy in self.policies:
            rows = [(self.number[interface], weight) for interface, weight in self.lowest(policy)]
            lines, total = [], 0
            for number, weight in rows:
                total += weight
                share = f"-m statistic --mode random --probability {weight / total:.3f} " if total > weight else ""
                lines.insert(0, f"-A mwan3_policy_{policy} {FREE} {share}{mark(number)}")
            lines = lines or [f"-A mwan3_policy_{policy} {FREE} {mark(UNREACHABLE)}"]
            # flushed first, as the real one does: what a test sees between is what users see
            self.tables(f"-F mwan3_policy_{policy}")
            self.tables(*lines)

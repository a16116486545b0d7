"""OpenWrt's mwan3 in the router of the lab, for the adapters that need it.

AUTONOMY_MWAN3 names a program that runs a real mwan3 in the network namespace it is called in:

    PROGRAM DIR start    with DIR/mwan3 as /etc/config/mwan3; for each interface NAME of it, DIR/net/NAME.env holds what
                         netifd would say: device=, ipaddr=, uptime=, a line each.  Returns when its rules are there.
    PROGRAM DIR stop     ends it and its trackers, and takes its rules out
    PROGRAM DIR exec COMMAND...    where its files are: /var/run/mwan3, /usr/sbin/mwan3
"""
import os

INTERFACE = """
config interface '{link}'
	option enabled '1'
	option family 'ipv4'
{options}
config member '{link}_m'
	option interface '{link}'
	option metric '{metric}'
	option weight '1'
"""
POLICY = """
config policy 'failover'
{members}

config rule 'default_rule_v4'
	option dest_ip '0.0.0.0/0'
	option use_policy 'failover'
	option family 'ipv4'
"""
# As in the file that comes with it, and the least of everything.
SHIPPED = {"reliability": "2"}
FASTEST = {"reliability": "1", "count": "1", "timeout": "1", "interval": "1", "failure_interval": "1",
           "recovery_interval": "1", "down": "1", "up": "1"}
TARGETS = ("1.0.0.1", "1.1.1.1", "8.8.8.8", "8.8.4.4")


def missing():
    program = os.environ.get("AUTONOMY_MWAN3")
    return [] if program and os.access(program, os.X_OK) else ["AUTONOMY_MWAN3"]


def how_to_get():
    return "say with AUTONOMY_MWAN3 what runs it (mwan3.py)"


class Mwan3:
    def __init__(self, system, options, n_targets=len(TARGETS)):
        self.system = system
        self.directory = system.dir / "mwan3.d"
        self.config = self.directory / "mwan3"
        self.options, self.targets = options, TARGETS[:n_targets]
        self.runs = False

    def write(self):
        (self.directory / "net").mkdir(parents=True, exist_ok=True)
        lines = ["config globals 'globals'\n\toption mmx_mask '0x3F00'\n"]
        options = "".join(f"\tlist track_ip '{t}'\n" for t in self.targets)
        options += "".join(f"\toption {k} '{v}'\n" for k, v in self.options.items())
        links = self.system.links
        for metric, link in enumerate(links, 1):
            lines.append(INTERFACE.format(link=link, options=options, metric=metric))
            (self.directory / "net" / f"{link}.env").write_text(
                f"device={link}\nipaddr={self.system.address(link)}\nuptime=100\n")
        lines.append(POLICY.format(members="\n".join(f"\tlist use_member '{link}_m'" for link in links)))
        self.config.write_text("".join(lines))

    def call(self, *words, check=True):
        # into a file: what it leaves running may hold a pipe open for ever
        with open(self.directory / "said", "w") as sink:
            return self.system.lab.run("rtr", [os.environ["AUTONOMY_MWAN3"], str(self.directory), *words], check=check,
                                       stdout=sink, stderr=sink)

    def start(self):
        self.write()
        self.call("start")
        self.runs = True

    def stop(self):
        if self.runs:
            self.call("stop", check=False)
            for family in ("ip", "ip6"):  # iptables over nf_tables leaves its empty table
                self.system.router("nft", "delete", "table", family, "mangle", check=False)
        self.runs = False

    def said(self, *words):
        return self.system.router(os.environ["AUTONOMY_MWAN3"], self.directory, "exec", *words, check=False)

    def prefers_first(self):
        """Whether its policy sends new flows over the first link, and all links are online to it."""
        states = self.said("sh", "-c", "cat /var/run/mwan3/iface_state/*").split()
        chain = self.system.router("iptables", "-t", "mangle", "-w", "-S", "mwan3_policy_failover", check=False)
        return states == ["online"] * len(self.system.links) and "--set-xmark 0x100/0x3f00" in chain

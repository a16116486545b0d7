"""The lab: an Internet, providers, a router and a LAN client in network namespaces.

    lan --- lan0 rtr wan1 === emulator === isp1 --- inet
                     wan2 === emulator === isp2 ---
                     wan3 === emulator === isp3 ---

Every piece lives in namespaces whose names begin with a prefix of this lab alone, so labs do not
meet each other or the machine's own network.  README.md has the map and the addresses.

Times are CLOCK_MONOTONIC in microseconds, the same in every namespace; a fault returns the one
at which it took effect.
"""

import array
import atexit
import ctypes
import fcntl
import ipaddress
import json
import os
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
PROGRAMS = ("labemu", "labserve", "labexec", "labflow")
RUN = Path("/run/autonomy-lab")

TARGETS = ["1.1.1.1", "8.8.8.8", "9.9.9.9", "1.0.0.1", "8.8.4.4"]
TARGETS6 = [
    "2606:4700:4700::1111",
    "2001:4860:4860::8888",
    "2620:fe::fe",
    "2606:4700:4700::1001",
    "2001:4860:4860::8844",
]
# further hosts that autonomy asks when it is not told whom
MORE = ["208.67.222.222", "94.140.14.14", "104.16.132.229"]
MORE6 = ["2620:119:35::35", "2a10:50c0::ad1:ff", "2606:4700::6810:84e5"]
ECHO = "192.0.2.1"
ECHO6 = "2001:db8::1"
LINKS_MAX = 32

CLONE_NEWNET = 0x40000000
SIOCETHTOOL = 0x8946
ETHTOOL_OFFLOADS_OFF = (0x17, 0x15, 0x19, 0x1F, 0x24, 0x2C)  # tx, rx, sg, tso, gso, gro


class LabError(Exception):
    """Something in the lab cannot be done; the text says what."""


def now_us():
    return time.monotonic_ns() // 1000


def program(name):
    """The path of one of PROGRAMS; builds them first if they are older than their sources."""
    return str(build() / name)


def build():
    """Builds the lab's programs where needed and returns their folder."""
    directory = os.environ.get("AUTONOMY_LAB_PROGRAMS")
    if directory:
        missing = [name for name in PROGRAMS if not (Path(directory) / name).exists()]
        if missing:
            raise LabError(f"{directory} has no {' '.join(missing)}: build the project with its tests")
        return Path(directory)
    folder = REPOSITORY / "build" / "lab"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sources = [HERE / "CMakeLists.txt", *HERE.rglob("*.[ch]")]
        newest = max(path.stat().st_mtime for path in sources)
        built = [folder / name for name in PROGRAMS]
        if all(path.exists() and path.stat().st_mtime > newest for path in built):
            return folder
        for argv in (
            ["cmake", "-S", str(HERE), "-B", str(folder)],
            ["cmake", "--build", str(folder), "-j2"],
        ):
            done = subprocess.run(argv, capture_output=True, text=True)
            if done.returncode:
                raise LabError(f"cannot build the lab's programs:\n{done.stdout}{done.stderr}")
        for path in built:
            os.utime(path)
    return folder


def sweep():
    """Removes what labs left behind whose process is gone.  Returns their prefixes."""
    gone = []
    for directory in RUN.glob("*"):
        try:
            os.kill(int((directory / "pid").read_text()), 0)
        except (ProcessLookupError, ValueError, FileNotFoundError):
            remove(directory.name)
            gone.append(directory.name)
        except PermissionError:
            pass
    return gone


def namespaces(prefix):
    """The existing namespaces of the lab with this prefix."""
    folder = Path("/run/netns")
    return sorted(p.name for p in folder.glob(f"{prefix}-*")) if folder.is_dir() else []


def remove(prefix):
    """Ends every process in the lab's namespaces and deletes them and its run directory."""
    names = namespaces(prefix)
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + 2
        pids = processes_in(names)
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        while pids and time.monotonic() < deadline:
            time.sleep(0.005)
            pids = processes_in(names)
        if not pids:
            break
    if names:
        lines = "".join(f"netns del {name}\n" for name in names)
        subprocess.run(["ip", "-force", "-batch", "-"], input=lines.encode(), capture_output=True)
    shutil.rmtree(RUN / prefix, ignore_errors=True)


def processes_in(names):
    """The living processes in these namespaces."""
    wanted = {(Path("/run/netns") / name).stat().st_ino for name in names}
    pids = []
    for entry in os.listdir("/proc"):
        try:
            if not entry.isdigit() or os.stat(f"/proc/{entry}/ns/net").st_ino not in wanted:
                continue
            if Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                pids.append(int(entry))
        except OSError:
            continue  # ended meanwhile
    return pids


def socket_in(namespace, family=socket.AF_INET, kind=socket.SOCK_DGRAM):
    """A socket that belongs to another namespace: what is done with it is done there."""
    result = []

    def enter():
        libc = ctypes.CDLL(None, use_errno=True)
        fd = os.open(f"/run/netns/{namespace}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            if libc.setns(fd, CLONE_NEWNET) == 0:
                result.append(socket.socket(family, kind))
        finally:
            os.close(fd)

    thread = threading.Thread(target=enter)  # setns is the thread's alone, and so it ends with it
    thread.start()
    thread.join()
    if not result:
        raise LabError(f"cannot enter namespace {namespace}: are you root?")
    return result[0]


def turn_offloads_off(namespace, devices):
    """Checksums are then in the frames and no frame is longer than the MTU: what a wire carries."""
    with socket_in(namespace) as sock:
        for device in devices:
            for command in ETHTOOL_OFFLOADS_OFF:
                value = array.array("I", [command, 0])
                request = struct.pack("16sP16x", device.encode(), value.buffer_info()[0])
                try:
                    fcntl.ioctl(sock, SIOCETHTOOL, request)
                except OSError:
                    pass  # this device has no such offload


def read_log(path):
    """A labflow log, also of one that still runs: (samples in the order of sending, events), dicts.

    Of the lines of one packet the last one counts; a line still being written is left out.
    """
    samples, events = {}, []
    with open(path) as log:
        for line in log:
            if not line.endswith("\n"):
                break
            entry = json.loads(line)
            if "event" in entry:
                events.append(entry)
            else:
                samples[entry["seq"]] = entry
    return [samples[seq] for seq in sorted(samples)], events


class Link:
    """What the lab knows of one uplink."""

    def __init__(self, number, ipv6):
        self.number = number
        self.name = f"wan{number}"
        self.isp = f"isp{number}"
        self.metric = 100 * number
        self.ipv6 = ipv6
        self.generation = 0
        self.gateway_number = 1
        self.plugged = True
        self.carrier = True
        self.portal = False
        self.drops = set()

    @property
    def network(self):
        return ipaddress.ip_network(f"100.{64 + self.generation % 64}.{self.number}.0/24")

    @property
    def address(self):
        return str(self.network[2])

    @property
    def gateway(self):
        return str(self.network[self.gateway_number])

    @property
    def network6(self):
        return ipaddress.ip_network(f"2001:db8:{self.number:x}:{self.generation:x}::/64")

    @property
    def address6(self):
        return str(self.network6[2])

    @property
    def gateway6(self):
        return f"fe80::{self.gateway_number:x}"

    @property
    def public(self):
        """The address the Internet sees of IPv4 flows over this link."""
        return f"198.51.100.{4 * self.number + 2}"

    def configure(self):
        """What a DHCP client and router advertisements leave on the router, as ip commands."""
        name = self.name
        lines = [
            f"addr replace {self.address}/24 dev {name}",
            f"route replace default via {self.gateway} dev {name} metric {self.metric}",
        ]
        if self.ipv6:
            lines += [
                f"addr replace {self.address6}/64 dev {name} nodad",
                f"route replace ::/0 via {self.gateway6} dev {name} metric {self.metric}",
            ]
        return lines

    def forget(self):
        """The same taken away again, in the order a DHCP client does it."""
        name = self.name
        lines = [
            f"route del default via {self.gateway} dev {name} metric {self.metric}",
            f"addr del {self.address}/24 dev {name}",
        ]
        if self.ipv6:
            lines += [
                f"route del ::/0 via {self.gateway6} dev {name} metric {self.metric}",
                f"addr del {self.address6}/64 dev {name}",
            ]
        return lines

    def provider_addresses(self):
        addresses = [f"{self.gateway}/24"]
        if self.ipv6:
            addresses += [f"{self.network6[self.gateway_number]}/64", f"{self.gateway6}/64"]
        return addresses


class Flow:
    """A labflow under way.  Its log is complete once it has stopped."""

    def __init__(self, process, log):
        self.process = process
        self.log = log
        self._summary = None

    def until_answered(self, timeout_s=5):
        """Waits for the first answer."""
        deadline = time.monotonic() + timeout_s
        while not any(sample["answered_us"] for sample in self.samples()):
            if time.monotonic() > deadline:
                raise LabError(f"no answer within {timeout_s} s")
            time.sleep(0.01)
        return self

    def stop(self, timeout_s=10):
        """Ends it if it has not ended by itself, and returns its summary."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.wait(timeout_s)

    def wait(self, timeout_s=None):
        """Waits for its own end (duration_s) and returns its summary."""
        if self._summary is None:
            out, _ = self.process.communicate(timeout=timeout_s)
            lines = out.strip().splitlines()
            if self.process.returncode or not lines:
                raise LabError(f"labflow failed with status {self.process.returncode}")
            self._summary = json.loads(lines[-1])
        return self._summary

    def samples(self):
        """What is known of each packet by now, in the order of sending; see read_log()."""
        return read_log(self.log)[0] if os.path.exists(self.log) else []

    def events(self):
        return read_log(self.log)[1] if os.path.exists(self.log) else []


class Lab:
    """delay_ms is one way: the round trip takes twice as long.

    netifd: on loss of carrier the link's addresses and routes go from the router and on its return
    they come back, as OpenWrt's netifd does it.  Otherwise they stay, as the bare kernel does it.
    """

    def __init__(
        self, n_links=3, delay_ms=20, prefix=None, ipv6=True, netifd=False, seed=1, portal_walled=True
    ):
        if not 1 <= n_links <= LINKS_MAX:
            raise LabError(f"a lab has 1 to {LINKS_MAX} links")
        self.prefix = prefix or f"lab{secrets.token_hex(3)}"
        self.delay_ms = delay_ms
        self.ipv6 = ipv6
        self.netifd = netifd
        self.seed = seed
        self.portal_walled = portal_walled
        self._links = {f"wan{k}": Link(k, ipv6) for k in range(1, n_links + 1)}
        self.links = list(self._links)
        self.targets = list(TARGETS)
        self.targets6 = list(TARGETS6) if ipv6 else []
        self.echo_addr = ECHO
        self.echo6_addr = ECHO6 if ipv6 else None
        self.client_addr = "192.168.1.100"
        self.client6_addr = "fd00:1ab::100" if ipv6 else None
        self.directory = RUN / self.prefix
        self._processes = []
        self._children = []
        self._control = None
        self._control_file = None
        self._control_lock = threading.Lock()
        self._flow_count = 0
        self._wan_count = 0
        self._dead = set()
        self._owner = None
        self._running = False

    # -- life

    def start(self):
        if os.geteuid() != 0:
            raise LabError("the lab makes network namespaces: run it as root")
        self._programs = build()
        self.directory.mkdir(parents=True)  # fails if the prefix is another lab's
        self._owner = os.getpid()
        self._running = True
        atexit.register(self.stop)
        self._take_signals()
        try:
            (self.directory / "pid").write_text(str(os.getpid()))
            (self.directory / "resolv.conf").write_text("nameserver 1.1.1.1\nnameserver 8.8.8.8\n")
            self._make_namespaces()
            self._make_inet()
            self._make_lan()
            for link in self._links.values():
                self._make_provider(link)
            self._make_router()
            self._start_emulator()
            self._start_servers()
            self._wait_until_reachable()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        """Removes everything.  Safe to call twice, and from a half-built lab."""
        if not self._running or os.getpid() != self._owner:
            return
        self._running = False
        atexit.unregister(self.stop)
        for process in self._processes:
            if process.poll() is None:
                process.terminate()
        if self._control:
            self._control_file.close()
            self._control.close()
            self._control = None
        for child in self._children:
            child.terminate()
        remove(self.prefix)
        for process in self._processes + self._children:
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    pipe.close()
        self._processes.clear()
        self._children.clear()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def _take_signals(self):
        """SIGTERM and SIGHUP end the program through exit, if it has no word of its own on them."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, lambda taken, _: sys.exit(128 + taken))

    # -- construction

    def ns(self, role):
        """The namespace of lan, rtr, inet, emu, isp1, isp2, ..."""
        if role not in self.roles():
            raise LabError(f"no role {role}: there are {' '.join(self.roles())}")
        return f"{self.prefix}-{role}"

    def roles(self):
        return ["lan", "rtr", "emu", *(link.isp for link in self._links.values()), "inet"]

    def _ip(self, role, lines, check=True):
        """Runs ip commands in one process.  Without check, those that fail are passed over."""
        argv = ["ip", "-n", self.ns(role)] + ([] if check else ["-force"]) + ["-batch", "-"]
        text = "\n".join(lines) + "\n"
        done = subprocess.run(argv, input=text, capture_output=True, text=True)
        if check and done.returncode:
            raise LabError(f"in {role}: {done.stderr.strip()} in\n{text}")

    def _nft(self, role, text):
        done = self.run(role, ["nft", "-f", "-"], input=text, capture_output=True, text=True)
        if done.returncode:
            raise LabError(f"in {role}: nft: {done.stderr.strip()} in\n{text}")

    def _sysctl(self, role, **values):
        words = [f"{key.replace('__', '.')}={value}" for key, value in values.items()]
        done = self.run(role, ["sysctl", "-qw", *words], capture_output=True, text=True)
        if done.returncode:
            raise LabError(f"in {role}: {done.stderr.strip()}")

    def _make_namespaces(self):
        lines = [f"netns add {self.prefix}-{role}" for role in self.roles()]
        done = subprocess.run(
            ["ip", "-batch", "-"], input="\n".join(lines) + "\n", capture_output=True, text=True
        )
        if done.returncode:
            raise LabError(f"cannot make namespaces: {done.stderr.strip()}")
        for role in self.roles():
            values = {
                "net__ipv4__conf__all__rp_filter": 0,
                "net__ipv4__conf__default__rp_filter": 0,
                "net__ipv6__conf__all__accept_ra": 0,
                "net__ipv6__conf__default__accept_ra": 0,
                "net__ipv6__conf__default__accept_dad": 0,
            }
            if role in ("emu",) or not self.ipv6:
                values["net__ipv6__conf__all__disable_ipv6"] = 1
                values["net__ipv6__conf__default__disable_ipv6"] = 1
            if role not in ("lan", "emu"):
                values["net__ipv4__ip_forward"] = 1
                values["net__ipv6__conf__all__forwarding"] = 1
            if role not in ("lan", "emu", "rtr"):
                values["net__ipv4__icmp_ratelimit"] = 0
                values["net__ipv6__icmp__ratelimit"] = 0
            self._sysctl(role, **values)
            self._ip(role, ["link set lo up"])

    def _make_inet(self):
        lines = [f"addr add {address}/32 dev lo" for address in (*TARGETS, *MORE, ECHO)]
        if self.ipv6:
            lines += [f"addr add {address}/128 dev lo nodad" for address in (*TARGETS6, *MORE6, ECHO6)]
        self._ip("inet", lines)

    def _make_lan(self):
        rtr, lan = self.ns("rtr"), self.ns("lan")
        self._ip("rtr", [f"link add lan0 netns {rtr} type veth peer name eth0 netns {lan}"])
        router = ["addr add 192.168.1.1/24 dev lan0", "link set lan0 up"]
        client = ["addr add 192.168.1.100/24 dev eth0", "link set eth0 up"]
        client += [f"addr add 192.168.1.{host}/24 dev eth0" for host in (101, 102, 103)]
        client += ["route add default via 192.168.1.1"]
        if self.ipv6:
            router += ["addr add fd00:1ab::1/64 dev lan0 nodad"]
            client += ["addr add fd00:1ab::100/64 dev eth0 nodad"]
            client += ["route add ::/0 via fd00:1ab::1"]
        self._ip("rtr", router)
        self._ip("lan", client)
        turn_offloads_off(rtr, ["lan0"])
        turn_offloads_off(lan, ["eth0"])

    def _make_provider(self, link):
        number, isp, inet = link.number, link.isp, self.ns("inet")
        self._ip(
            isp,
            [
                f"link add wan0 index {2000 + number} address 02:00:00:00:01:{number:02x}"
                f" netns {self.ns(isp)} type veth peer name p{number} index {20000 + number}"
                f" netns {self.ns('emu')}",
                f"link add inet0 netns {self.ns(isp)} type veth peer name isp{number} netns {inet}",
                f"addr add {link.public}/30 dev inet0",
                *(f"addr add {address} dev wan0 nodad" for address in link.provider_addresses()),
                "link set wan0 up",
                "link set inet0 up",
                f"route add default via 198.51.100.{4 * number + 1}",
            ],
        )
        self._ip(
            "inet",
            [
                f"addr add 198.51.100.{4 * number + 1}/30 dev isp{number}",
                f"link set isp{number} up",
                f"route add {link.network} via {link.public}",
            ],
        )
        if self.ipv6:
            self._ip(
                isp,
                [
                    f"addr add 2001:db8:ff:{number:x}::2/64 dev inet0 nodad",
                    f"route add ::/0 via 2001:db8:ff:{number:x}::1",
                ],
            )
            self._ip(
                "inet",
                [
                    f"addr add 2001:db8:ff:{number:x}::1/64 dev isp{number} nodad",
                    f"route add 2001:db8:{number:x}::/48 via 2001:db8:ff:{number:x}::2",
                ],
            )
        turn_offloads_off(self.ns(isp), ["wan0", "inet0"])
        turn_offloads_off(inet, [f"isp{number}"])
        self._nft(
            isp,
            """
            table inet lab {
                chain postrouting {
                    type nat hook postrouting priority srcnat
                    oifname "inet0" meta nfproto ipv4 masquerade
                }
                chain prerouting {
                    type nat hook prerouting priority dstnat
                }
                chain forward {
                    type filter hook forward priority filter
                }
            }
            """,
        )

    def _make_wan(self, link):
        """The router's device, its carrier and what a DHCP client puts on it."""
        # Indexes of our own choice: an interface whose own and whose peer's are equal learns late
        # of a lost carrier.  The kernel takes the peer's only together with the device's.
        self._wan_count += 1
        self._ip(
            "rtr",
            [
                f"link add {link.name} index {100 + self._wan_count} address 02:00:00:00:00:{link.number:02x}"
                f" netns {self.ns('rtr')} type veth"
                f" peer name r{link.number} index {10000 + self._wan_count} netns {self.ns('emu')}",
            ],
        )
        turn_offloads_off(self.ns("rtr"), [link.name])
        self._ip("emu", [f"link set r{link.number} arp off up"])
        self._ip("rtr", [f"link set {link.name} up", *link.configure()])

    def _make_router(self):
        for link in self._links.values():
            self._make_wan(link)
            self._ip("emu", [f"link set p{link.number} arp off up"])
        self._nft(
            "rtr",
            """
            table inet lab_nat {
                chain postrouting {
                    type nat hook postrouting priority srcnat
                    oifname "wan*" masquerade
                }
            }
            """,
        )

    def _child(self, role, argv):
        """A process of the lab itself; it ends when its standard input does, so with us."""
        argv = [str(self._programs / "labexec"), self.ns(role), "-", *argv]
        child = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        self._children.append(child)
        return child

    def _start_emulator(self):
        path = str(self.directory / "emulator")
        self._child("emu", [str(self._programs / "labemu"), path, "seed", str(self.seed)])
        self._control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        deadline = time.monotonic() + 5
        while True:
            try:
                self._control.connect(path)
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    raise LabError(f"the emulator does not answer: {error}") from error
                time.sleep(0.005)
        self._control_file = self._control.makefile("r")
        for link in self._links.values():
            self._attach(link)
        self.clear()

    def _attach(self, link):
        self.emu(f"link {link.name} r{link.number} p{link.number}")
        locals_ = [str(link.network)] + ([str(link.network6)] if self.ipv6 else [])
        self.emu(f"local {link.name} {' '.join(locals_)}")

    def _start_servers(self):
        servers = [self._child("inet", [str(self._programs / "labserve")])]
        for link in self._links.values():
            servers.append(self._child(link.isp, [str(self._programs / "labserve"), "portal"]))
        for server in servers:
            if server.stdout.readline() != b"ready\n":
                raise LabError("a server of the lab did not start")

    def _wait_until_reachable(self):
        """Carrier news reaches IPv6 a moment late; a lab that has started must just work."""
        families = [("-4", ECHO)] + ([("-6", ECHO6)] if self.ipv6 else [])
        for family, address in families:
            for _ in range(50):
                argv = ["ping", family, "-n", "-c1", "-W1", address]
                if self.run("lan", argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
                    break
                time.sleep(0.02)
            else:
                raise LabError(f"the lab is built but {address} does not answer the LAN client")

    # -- programs

    def _argv(self, role, argv):
        argv = [str(word) for word in argv]
        if argv[0] in PROGRAMS:
            argv[0] = str(self._programs / argv[0])
        resolv = str(self.directory / "resolv.conf") if role in ("lan", "rtr") else "-"
        return [str(self._programs / "labexec"), self.ns(role), resolv, *argv]

    def run(self, role, argv, **kw):
        """subprocess.run in a role's namespace."""
        return subprocess.run(self._argv(role, argv), **kw)

    def popen(self, role, argv, **kw):
        """subprocess.Popen in a role's namespace; ended with the lab if it still runs then."""
        process = subprocess.Popen(self._argv(role, argv), **kw)
        self._processes.append(process)
        return process

    def flow(self, mode, role="lan", log=None, **options):
        """Starts labflow: flow("udp", to=..., period_ms=10, fresh=True, duration_s=5)."""
        self._flow_count += 1
        log = str(log or self.directory / f"flow{self._flow_count}.jsonl")
        options.setdefault("to", self.echo_addr)
        argv = ["labflow", mode, "--log", log, "--follow"]
        for name, value in options.items():
            if value is False or value is None:
                continue
            argv.append("--" + name.replace("_", "-"))
            if value is not True:
                argv.append(str(value))
        process = self.popen(role, argv, stdout=subprocess.PIPE, text=True, start_new_session=True)
        return Flow(process, log)

    # -- the emulator

    def emu(self, command):
        """One command to the emulator; returns its answer, raises LabError for "error: ..."."""
        with self._control_lock:
            self._control.sendall(command.encode() + b"\n")
            reply = self._control_file.readline().rstrip("\n")
        if not reply:
            raise LabError("the emulator is gone")
        if reply.startswith("error:"):
            raise LabError(f"{command}: {reply}")
        return reply

    def _fault(self, command):
        return int(self.emu(command).split()[1])

    def _link(self, link):
        if link not in self._links:
            raise LabError(f"no link {link}: there are {' '.join(self.links)}")
        return self._links[link]

    def set(self, link, direction="both", **options):
        """Emulator options by name, e.g. set("wan1", "up", delay="20ms", blackhole="on")."""
        words = []
        for name, value in options.items():
            if isinstance(value, bool):
                value = "on" if value else "off"
            words.append(f"{name} {value}")
        return self._fault(f"set {link} {direction} {' '.join(words)}")

    def emulator_pid(self):
        return self._children[0].pid

    def stats(self):
        """Counters per link and direction since the start."""
        return json.loads(self.emu("stats"))

    def show(self):
        """Options per link and direction, as the emulator holds them."""
        return json.loads(self.emu("show"))

    def now_us(self):
        return self._fault("now")

    # -- faults; each returns the time it took effect

    def blackhole(self, link, direction="both", on=True):
        """All frames vanish, ARP and ND too; carrier stays.  What is under way still arrives."""
        return self.set(link, direction, blackhole=on)

    def upstream_dead(self, link, on=True, direction="both"):
        """The gateway still answers, nothing behind it does."""
        return self.set(link, direction, upstream_dead=on)

    def loss(self, link, pct, burst=None, direction="both"):
        """pct of the frames of each direction; burst: mean length of loss bursts in frames."""
        return self.set(link, direction, loss=f"{pct}%", burst=burst or "off")

    def delay(self, link, ms, jitter_ms=0, direction="both"):
        """One way, in each direction."""
        return self.set(link, direction, delay=f"{ms}ms", jitter=f"{jitter_ms}ms")

    def rate(self, link, mbit, queue_ms=100, direction="both"):
        """mbit None: no limit."""
        rate = "off" if mbit is None else f"{mbit}mbit"
        return self.set(link, direction, rate=rate, queue=f"{queue_ms}ms")

    def duplicate(self, link, pct, direction="both"):
        return self.set(link, direction, duplicate=f"{pct}%")

    def corrupt(self, link, pct, direction="both"):
        return self.set(link, direction, corrupt=f"{pct}%")

    def mtu_blackhole(self, link, size, direction="both"):
        """IP packets longer than size bytes vanish; None: none do."""
        return self.set(link, direction, mtu=size or "off")

    def family_blackhole(self, link, family, on=True, direction="both"):
        """family: 4 or 6, also as "ipv4" or "ipv6"."""
        number = str(family)[-1]
        if number not in ("4", "6"):
            raise LabError(f"no family {family}: use 4 or 6")
        return self.set(link, direction, **{f"ipv{number}_dead": on})

    def icmp_ratelimit(self, per_s, link=None):
        """At most so many echo requests per second and destination; None: no limit."""
        links = [link] if link else self.links
        return [self.set(name, "up", icmp_rate=per_s or "off") for name in links][-1]

    def protocol_dead(self, link, what, on=True):
        """what: icmp, udp, tcp, or one port of it as in udp/53."""
        drops = self._link(link).drops
        (drops.add if on else drops.discard)(what)
        return self.set(link, "both", drop=",".join(sorted(drops)) or "none")

    def dns_dead(self, link, on=True):
        """Neither UDP nor TCP to or from port 53 gets through."""
        self.protocol_dead(link, "tcp/53", on)
        return self.protocol_dead(link, "udp/53", on)

    def target_dead(self, ip, on=True):
        """An address does not answer over any link."""
        (self._dead.add if on else self._dead.discard)(ip)
        return self._fault(f"dead {ip} {'on' if on else 'off'}")

    def carrier(self, link, up):
        """Loss and return of the router's carrier."""
        state = self._link(link)
        if up and self.netifd and not state.carrier and state.plugged:
            at_us = self._fault(f"carrier {link} up")
            self._ip("rtr", state.configure())
        else:
            at_us = self._fault(f"carrier {link} {'up' if up else 'down'}")
        if not up and self.netifd and state.carrier and state.plugged:
            self._ip("rtr", state.forget(), check=False)
        state.carrier = bool(up)
        return at_us

    def play(self, link, trace, offset_s=0, speed=1):
        """Plays a recorded trace, again and again, until clear() or stop_playing()."""
        path = os.path.abspath(trace)
        if any(character.isspace() for character in path):
            raise LabError(f"the emulator takes no spaces in a file's name: {path}")
        return self._fault(f"play {link} {path} speed {speed} offset {offset_s}")

    def stop_playing(self, link):
        return self._fault(f"stop {link}")

    def portal(self, link, on=True, walled=None):
        """A captive portal: HTTP is redirected; if walled, all else but ICMP and DNS is dropped."""
        state = self._link(link)
        walled = self.portal_walled if walled is None else walled
        text = "flush chain inet lab prerouting\nflush chain inet lab forward\n"
        if on:
            text += "add rule inet lab prerouting iifname wan0 tcp dport 80 redirect to :8088\n"
        if on and walled:
            text += (
                "add rule inet lab forward meta l4proto { icmp, icmpv6 } accept\n"
                "add rule inet lab forward udp dport 53 accept\n"
                "add rule inet lab forward udp sport 53 accept\n"
                "add rule inet lab forward drop\n"
            )
        self._nft(state.isp, text)
        state.portal = on
        return now_us()

    def renumber(self, link):
        """The provider hands out another address, prefix and gateway; the router follows, as its
        DHCP client does.  Returns the time at which the old address stopped working."""
        state = self._link(link)
        old = state.provider_addresses()
        forget = state.forget()
        state.generation += 1
        self._ip("inet", [f"route replace {state.network} via {state.public}"])
        start_us = self._readdress(state, old)
        self._ip("rtr", forget, check=False)
        self._ip("rtr", state.configure())
        return start_us

    def change_gateway(self, link):
        """The same network, but the gateway has another address from now on."""
        state = self._link(link)
        old = state.provider_addresses()
        forget = [line for line in state.forget() if "route del" in line]
        state.gateway_number = 254 if state.gateway_number == 1 else 1
        start_us = self._readdress(state, old)
        self._ip("rtr", forget, check=False)
        self._ip("rtr", state.configure())
        return start_us

    def _readdress(self, state, old):
        wanted = state.provider_addresses()
        lines = [f"addr del {address} dev wan0" for address in old if address not in wanted]
        lines += [f"addr add {address} dev wan0 nodad" for address in wanted if address not in old]
        at_us = now_us()
        self._ip(state.isp, lines)
        locals_ = [str(state.network)] + ([str(state.network6)] if self.ipv6 else [])
        self.emu(f"local {state.name} {' '.join(locals_)}")
        return at_us

    def unplug(self, link):
        """Deletes the router's device, as when a USB modem is pulled."""
        state = self._link(link)
        at_us = self._fault(f"unlink {link}")
        if state.plugged:
            self._ip("rtr", [f"link del {link}"])
        state.plugged = False
        return at_us

    def plug(self, link):
        """Makes the device anew (another interface index, the same MAC) and configures it."""
        state = self._link(link)
        if not state.plugged:
            self._make_wan(state)
            self._attach(state)
        state.plugged = True
        state.carrier = True
        return now_us()

    def clear(self, link=None):
        """Back to a healthy link with the lab's delay: no fault, no trace, plugged, carrier up."""
        at_us = None
        for name in [link] if link else self.links:
            state = self._link(name)
            self.plug(name)
            if not state.carrier:
                self.carrier(name, True)
            if state.portal:
                self.portal(name, False)
            state.drops.clear()
            self.stop_playing(name)
            at_us = self._fault(f"set {name} both reset delay {self.delay_ms}ms")
        if not link:
            for address in list(self._dead):
                self.target_dead(address, False)
        return at_us

    # -- what a person wants to see

    def link_of(self, observed):
        """The link a source address seen by a server belongs to, or None."""
        if observed is None:
            return None
        address = ipaddress.ip_address(observed)
        for link in self._links.values():
            if address == ipaddress.ip_address(link.public):
                return link.name
            if address.version == 6 and address in ipaddress.ip_network(f"2001:db8:{link.number:x}::/48"):
                return link.name
        return None

    def link_info(self, link):
        """Addresses of a link as a dict."""
        state = self._link(link)
        return {
            "isp": state.isp,
            "address": state.address,
            "gateway": state.gateway,
            "address6": state.address6 if self.ipv6 else None,
            "gateway6": state.gateway6 if self.ipv6 else None,
            "public": state.public,
            "metric": state.metric,
            "plugged": state.plugged,
            "carrier": state.carrier,
            "portal": state.portal,
        }

    def map(self):
        """The lab as a drawing."""
        lines = ["lan   192.168.1.100" + (" fd00:1ab::100" if self.ipv6 else ""), " |"]
        lines += ["rtr   lan0 192.168.1.1"]
        for name in self.links:
            info = self.link_info(name)
            lines.append(
                f" +-- {name:<5} {info['address']:<13} == emulator == {info['isp']:<5}"
                f" {info['gateway']:<13} seen as {info['public']:<14} --+"
            )
        lines += [f"{'|':>82}", f"inet  echo and the rest {ECHO}" + (f" {ECHO6}" if self.ipv6 else "")]
        lines += [f"      {' '.join(self.targets)}"]
        if self.ipv6:
            lines += [f"      {' '.join(self.targets6)}"]
        return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:] == ["sweep"]:
        for name in sweep():
            print(f"removed {name}")
    elif sys.argv[1:] == ["build"]:
        print(build())
    else:
        sys.exit("usage: lab.py build | sweep")

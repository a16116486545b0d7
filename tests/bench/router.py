"""What is in the router's kernel, so that a system can be held to leaving nothing behind."""
import re
import subprocess

# What comes and goes by itself.
_VOLATILE = (r"\s+expires \S+", r"\s+used \d+", r"\s+linkdown\b", r"\s+dead\b")


class Router:
    def __init__(self, lab):
        self._lab = lab
        self._namespace = lab.ns("rtr")

    def _lines(self, *argv):
        done = subprocess.run(["ip", "netns", "exec", self._namespace, *argv], capture_output=True, text=True, check=False)
        out = []
        for line in done.stdout.splitlines():
            for pattern in _VOLATILE:
                line = re.sub(pattern, "", line)
            if line.strip():
                out.append(line.rstrip())
        return out

    def state(self):
        """{kind: [lines]} of rules, routes, nexthops and the nft tables."""
        state = {}
        for family in ("4", "6"):
            state[f"rule{family}"] = self._lines("ip", f"-{family}", "rule")
            routes = self._lines("ip", f"-{family}", "route", "show", "table", "all")
            state[f"route{family}"] = [r for r in routes if " table local " not in f" {r} "]
        state["nexthop"] = self._lines("ip", "nexthop")
        state["nft table"] = self._lines("nft", "list", "tables")
        return state

    def added(self, before):
        """What is there now, was not before and is not the lab's own doing, as "kind: line"."""
        now = self.state()
        return [f"{kind}: {line}" for kind, lines in now.items() for line in lines
                if line not in before[kind] and not (kind.startswith("route") and self._of_the_lab(line))]

    def _of_the_lab(self, route):
        """A provider that renumbered has left other routes than there were."""
        if " proto kernel " in route:
            return True
        words = route.split()
        for link in self._lab.links:
            info = self._lab.link_info(link)
            if words[0] == "default" and link in words and words[2] in (info["gateway"], info["gateway6"]):
                return "table" not in words and f" metric {info['metric']}" in route and " proto " not in route
        return False

    def remove(self, added):
        """Removes what added() found, as well as can be."""
        for entry in added:
            kind, line = entry.split(": ", 1)
            words = line.split()
            if kind.startswith("rule"):
                self._lines("ip", f"-{kind[-1]}", "rule", "del", "priority", words[0].rstrip(":"))
            elif kind.startswith("route"):
                self._lines("ip", f"-{kind[-1]}", "route", "del", *words)
            elif kind == "nexthop":
                self._lines("ip", "nexthop", "del", *words[:2])
            elif kind == "nft table":
                self._lines("nft", "delete", *words)

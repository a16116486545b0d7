#!/usr/bin/env python3
"""autonomy-replay and what may be wrong in its files: each row of the table says what must be said of it.

An error names the file, and the line where there are lines.  What can be used is used, and what was left out is
counted and told.  Nothing crashes: a signal's exit status fails the row.
"""

import gzip
import json
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

REPLAY = Path(sys.argv[1]).resolve()
HEADER = "t_s,rtt_ms,loss\n"
ROWS = "".join(f"{t},20,0\n" for t in range(60))
GOOD = HEADER + ROWS
OK, DIFFERS, USAGE, INPUT = 0, 1, 2, 3


def recording(text, packed=False):
    """The main link's recording is this; the other one is well."""
    data = text if isinstance(text, bytes) else text.encode()
    return {"main.csv": gzip.compress(data) if packed else data}


def cut(n):
    # long enough to be more than one piece of what gzip writes
    data = gzip.compress((HEADER + "".join(f"{t},{t * 7919 % 1000},0\n" for t in range(20000))).encode())
    return {"main.csv": data[:len(data) - n]}


def damaged(at):
    data = bytearray(gzip.compress((HEADER + "".join(f"{t},{t * 7919 % 1000},0\n" for t in range(20000))).encode()))
    data[at] ^= 0x55
    return {"main.csv": bytes(data)}


def scenario(**changes):
    """The scenario with members changed; None takes one out."""
    s = {"name": "test", "t0_s": 0, "t1_s": 50, "links": [
        {"name": "main", "file": "main.csv"}, {"name": "other", "file": "other.csv"}]}
    s.update(changes)
    return {"s.json": json.dumps({k: v for k, v in s.items() if v is not None}, indent=1).encode()}


def link(**changes):
    one = {"name": "main", "file": "main.csv"}
    one.update(changes)
    return scenario(links=[{k: v for k, v in one.items() if v is not None}, {"name": "other", "file": "other.csv"}])


PLAY = ["--scenario", "s.json", "--traces", "."]
RECORDINGS = [
    ("good", recording(GOOD), OK, "^test: 50 s of 2 links"),
    ("packed", recording(GOOD, packed=True), OK, "^test: 50 s of 2 links"),
    ("ends of lines of another system", recording(GOOD.replace("\n", "\r\n")), OK, "^test: 50 s of 2 links"),
    ("no such file", {"main.csv": None}, INPUT, r"^\./main\.csv: cannot open: No such file"),
    ("a folder", {"main.csv/x": b""}, INPUT, r"^\./main\.csv:0?.*(Is a directory|cannot)"),
    ("empty", recording(""), INPUT, r"^\./main\.csv:1: the file is empty"),
    ("empty and packed", recording("", packed=True), INPUT, r"^\./main\.csv:1: the file is empty"),
    ("no column t_s", recording(GOOD.replace("t_s", "time")), INPUT, r"^\./main\.csv:1: the header has no column t_s"),
    ("no column rtt_ms", recording(GOOD.replace("rtt_ms", "rtt")), INPUT,
     r"^\./main\.csv:1: the header has no column rtt_ms"),
    ("no column loss", recording(GOOD.replace(",loss", "")), INPUT, r"^\./main\.csv:1: the header has no column loss"),
    ("something else", recording(b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 40), INPUT, r"^\./main\.csv:1: "),
    ("a header and no row", recording(HEADER), INPUT, r"^\./main\.csv:1: no row says anything"),
    ("rows that say nothing", recording(HEADER + "1,,\n2,,\n"), INPUT, r"^\./main\.csv:3: no row says anything"),
    ("a very long line", recording(HEADER + "1,20,0\n" + "9" * 5000 + "\n"), INPUT,
     r"^\./main\.csv:3: the line is too long"),
    ("a hole", recording(HEADER + "0,20,0\n1,20,0\n40,20,0\n50,20,0\n"), OK, "^test: 50 s of 2 links"),
    ("time runs backwards", recording(HEADER + ROWS[:80] + "3,20,0\n2,20,0\n" + ROWS[80:]), OK,
     r"left out: \d+ rows back in time, the first in line 14"),
    ("not a number", recording(HEADER + "0,20,0\n1,nan,0\n2,20,0\n50,20,0\n"), OK,
     r"left out: 1 rows with values that cannot be, the first in line 3"),
    ("time is not a number", recording(HEADER + "0,20,0\nnan,20,0\n2,20,0\n50,20,0\n"), OK,
     r"left out: 1 rows with values that cannot be, the first in line 3"),
    ("no end", recording(HEADER + "0,20,0\n1,inf,0\n2,1e999,0\n50,20,0\n"), OK, "left out: 2 rows with values"),
    ("words", recording(HEADER + "0,20,0\n1,fast,0\n2,20,none\n50,20,0\n"), OK, "left out: 2 rows with values"),
    ("less than nothing", recording(HEADER + "0,20,0\n1,-3,0\n2,20,-0.1\n50,20,0\n"), OK, "left out: 2 rows with values"),
    ("more than all", recording(HEADER + "0,20,0\n1,20,1.01\n2,1e9,0\n50,20,0\n"), OK, "left out: 2 rows with values"),
    ("far away in time", recording(HEADER + "0,20,0\n1e300,20,0\n2e9,20,0\n50,20,0\n"), OK,
     "left out: 2 rows with values"),
    ("fields that are missing", recording(HEADER + "0,20,0\n1\n2,20\n50,20,0\n"), OK, "^test: 50 s of 2 links"),
    ("fields too many", recording(HEADER + "0,20,0" + ",1" * 200 + "\n50,20,0\n"), OK, "^test: 50 s of 2 links"),
    ("no last end of line", recording(GOOD[:-1]), OK, "^test: 50 s of 2 links"),
    ("gzip cut off", cut(2000), INPUT, r"^\./main\.csv:\d+: cannot be read further: the file is cut off"),
    ("gzip without its last byte", cut(1), INPUT, r"^\./main\.csv:\d+: cannot be read further: the file is cut off"),
    ("gzip damaged", damaged(20000), INPUT, r"^\./main\.csv:\d+: "),
    ("gzip with another checksum", damaged(-6), INPUT, r"^\./main\.csv:\d+: cannot be read further: .*data check"),
]
SCENARIOS = [
    ("no such file", {"s.json": None}, INPUT, r"^s\.json: cannot open: No such file"),
    ("empty", {"s.json": b""}, INPUT, r"^s\.json:1: not a scenario: the file ends in the middle"),
    ("not JSON", {"s.json": b"{\n\"name\": \"x\",\n nonsense}"}, INPUT, r"^s\.json:3: not a scenario: "),
    ("cut off", {"s.json": scenario()["s.json"][:60]}, INPUT, r"^s\.json:\d+: not a scenario: the file ends in the middle"),
    ("a list", {"s.json": b"[1]"}, INPUT, r"^s\.json:1: not a scenario: not an object"),
    ("too large", {"s.json": b"{\"name\": \"" + b"x" * 2000000 + b"\"}"}, INPUT, r"^s\.json:1: not a scenario: the file is too large"),
    ("no times", scenario(t0_s=None), INPUT, r"^s\.json: t0_s and t1_s must be numbers"),
    ("a time in words", scenario(t1_s="late"), INPUT, r"^s\.json: t0_s and t1_s must be numbers"),
    ("a time that is no number", {"s.json": scenario()["s.json"].replace(b"50", b"NaN")}, INPUT,
     r"^s\.json: t0_s and t1_s must be numbers"),
    ("a time far away", scenario(t1_s=1e18), INPUT, r"^s\.json: t0_s and t1_s must be numbers"),
    ("it ends before it begins", scenario(t0_s=40, t1_s=30), INPUT, r"^s\.json: nothing is left between t0_s"),
    ("it begins after the recordings", scenario(t0_s=100, t1_s=200), INPUT, r"^s\.json: nothing is left between t0_s"),
    ("no links", scenario(links=None), INPUT, r"^s\.json: \"links\" must be a list of 1 to 16"),
    ("an empty list of links", scenario(links=[]), INPUT, r"^s\.json: \"links\" must be a list of 1 to 16"),
    ("too many links", scenario(links=[{"name": f"l{i}", "file": "other.csv"} for i in range(17)]), INPUT,
     r"^s\.json: \"links\" must be a list of 1 to 16"),
    ("a link that is no object", scenario(links=[3]), INPUT, r"^s\.json: link without a name needs"),
    ("a link without a name", link(name=None), INPUT, r"^s\.json: link without a name needs"),
    ("a name too long", link(name="x" * 40), INPUT, r"^s\.json: link x+ needs a name of less than 32"),
    ("a name twice", link(name="other"), INPUT, r"^s\.json: two links are called other"),
    ("a link without a file", link(file=None), INPUT, r"^s\.json: link main needs"),
    ("an offset in words", link(offset_s="soon"), INPUT, r"^s\.json: link main needs"),
    ("a class that nobody knows", link(**{"class": "carrier pigeon"}), OK, "^test: 50 s of 2 links"),
]


def flip(data, at):
    changed = bytearray(data)
    changed[at] ^= 0x40
    return bytes(changed)


def without(data, begin, end):
    return data[:begin] + data[end:]


def blocks(data):
    """Where the blocks of a trace begin."""
    return [m.start() for m in re.finditer(b"ATB1", data)]


def traces(good):
    at = blocks(good)
    assert len(at) > 4, "the trace is too short for this test"
    packed = gzip.compress(good)
    return [
        ("good", good, OK, "outputs compared with the recording: all the same"),
        ("packed", packed, OK, "all the same"),
        ("empty", b"", INPUT, r"^t: at byte 0: the file is cut off here"),
        ("half a header", good[:10], INPUT, r"^t: at byte 0: the file is cut off here"),
        ("something else", b"GIF89a" + bytes(5000), INPUT, r"^t: at byte 0: not a trace, or damaged"),
        ("another version", good[:4] + struct.pack("<H", 99) + good[6:], INPUT,
         r"^t: at byte 0: (a trace of another version|not a trace)"),
        ("cut off in a block", good[:at[3] + 100], INPUT, rf"^t: at byte {at[3]}: the file is cut off here"),
        ("a flipped bit", flip(good, at[2] + 200), INPUT, rf"^t: at byte {at[2]}: not a trace, or damaged"),
        ("a flipped bit, and the rest was read", flip(good, at[2] + 200), INPUT,
         "not an exact replay: the file is damaged"),
        ("a block is missing", without(good, at[2], at[3]), OK, "not an exact replay: blocks are missing"),
        ("blocks in another order", good[:at[1]] + good[at[2]:at[3]] + good[at[1]:at[2]] + good[at[3]:], OK,
         "not an exact replay: blocks are missing"),
        ("something behind it", good + b"and so on" * 100, INPUT, rf"^t: at byte {len(good)}: "),
        ("gzip cut off", packed[:len(packed) // 2], INPUT, r"^t: at byte \d+: .*cut off"),
    ]


def damaged_traces(good):
    """What whatif makes of them: links that were well all along, up to where inputs are missing; never an outage."""
    at = blocks(good)

    def told(pieces):
        return rf'"damaged":{pieces},.*"happened":\{{"outage_ms":0,.*"configured":\{{"outage_ms":0,"bad_ms":0,'

    return [
        ("good", good, OK, told(0)),
        ("a flipped bit", flip(good, at[2] + 200), OK, told(2)),
        ("a block is missing", without(good, at[2], at[3]), OK, told(1)),
        ("cut off in a block", good[:at[3] + 100], OK, told(1)),
        ("the first block is missing", without(good, at[0], at[1]), INPUT, "nothing is recorded there"),
    ]


def say(name, wanted, code, text):
    print(f"{name}: wanted exit status {wanted[0]} and {wanted[1]!r}, got {code}:\n{text}")


def check(folder, name, argv, code, says):
    done = subprocess.run([REPLAY, *argv], cwd=folder, capture_output=True, text=True, errors="replace", timeout=60)
    text = done.stdout + done.stderr
    if done.returncode == code and re.search(says, text, re.MULTILINE):
        return True
    say(name, (code, says), done.returncode, text[:600])
    return False


def fill(folder, files):
    for name, data in {**recording(GOOD), **{"other.csv": GOOD.encode()}, **scenario(), **files}.items():
        path = folder / name
        if data is not None:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)


def run(name, files, argv, code, says):
    with tempfile.TemporaryDirectory(prefix="bad-input-") as folder:
        if any(key.startswith("main.csv/") for key in files):
            files = {**files, "main.csv": None}
            (Path(folder) / "main.csv").mkdir()
        fill(Path(folder), files)
        return check(folder, name, argv, code, says)


def good_trace():
    with tempfile.TemporaryDirectory(prefix="bad-input-") as folder:
        fill(Path(folder), {})
        subprocess.run([REPLAY, *PLAY, "--traffic", "voip", "--record", "t"], cwd=folder, check=True, capture_output=True)
        return (Path(folder) / "t").read_bytes()


def main():
    good = True
    for name, files, code, says in RECORDINGS:
        good &= run(f"recording: {name}", files, PLAY, code, says)
    for name, files, code, says in SCENARIOS:
        good &= run(f"scenario: {name}", files, PLAY, code, says)
    for name, data, code, says in traces(good_trace()):
        good &= run(f"trace: {name}", {"t": data}, ["t"], code, says)
    for name, data, code, says in damaged_traces(good_trace()):
        good &= run(f"whatif of a trace: {name}", {"t": data},
                    ["whatif", "--record", "t", "--config", "none", "--json", "--set", "default.hold=1s"], code, says)
    good &= run("nothing asked", {}, [], USAGE, "^usage:")
    good &= run("an option that is none", {}, ["--nonsense"], USAGE, "^usage:")
    good &= run("a seed that is none", {}, [*PLAY, "--seed", "x"], USAGE, "seed")
    good &= run("whatif of nothing", {}, ["whatif", "--record", "none", "--set", "default.hold=1s"], INPUT,
                "^none: cannot open: No such file")
    good &= run("whatif without a change", {}, ["whatif", "--record", "."], USAGE, "^usage:")
    good &= run("whatif with a word that is none", {}, ["whatif", "--set", "default.hlod=1s"], INPUT,
                r"^default\.hlod=1s: .*did you mean 'hold'")
    good &= run("whatif of an empty folder", {}, ["whatif", "--record", ".", "--set", "default.hold=1s"], INPUT,
                "nothing is recorded there")
    good &= run("whatif of another version", {"r": b"ASB2" + bytes(4000)},
                ["whatif", "--record", "r", "--set", "default.hold=1s"], INPUT, "^r: at byte 0: not a trace, or damaged")
    good &= run("tune of a word that is none", {}, ["tune", "--record", ".", "--option", "failover.bad_hlod=1s"], USAGE,
                r"^--option failover\.bad_hlod=1s: no duration .*(\n  \S+)*\n  failover\.bad_hold\n")
    good &= run("tune of what is no duration", {}, ["tune", "--record", ".", "--option", "default.preference=1s"], USAGE,
                r"^--option default\.preference=1s: no duration ")
    good &= run("settings of a folder", {}, ["whatif", "--config", ".", "--set", "default.hold=1s"], INPUT,
                r"^\.: it is no file")
    good &= run("tune on too little", {}, ["tune", "--record", ".", "--seeds", "1"], INPUT, "nothing is recorded there")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

"""Recordings as seconds: what a path's probes would have told the engine, and whether the path could be used.

A recording is a CSV file (.csv or .csv.gz) with the columns t_s (seconds), rtt_ms and loss (0..1, empty: not known) at
least.  loss_src says where loss comes from; "tput" (nothing was carried) is no probe, and a recording that has nothing
else is left out.  An index.csv in the folder gives link (starlink, cellular, wifi, wired; others are left out) and group
of each file; without it the folder's name is the kind.
"""
import csv
import gzip
import pathlib
import random
import sys
import zlib

LATE_MS = 1000.0  # an answer later than this is as good as lost
HOLE_S = 3  # a longer pause is a hole in the recording: nothing is known of it
PROBES = 4  # what the engine asks in a second of a radio link in use
KINDS = {"starlink", "cellular", "wifi", "wired"}  # a recording of another kind is of an unknown path: left out

# Recordings of one drive, ship or site are one group, whatever the day: a model must not know where it is judged.
SITES = {"canallink": "ship", "fjordlink": "ship", "fjordlink5g": "ship", "cicv5g": "track", "mmsys24": "fixed dishes"}


class Second:
    """One second of one path."""

    __slots__ = ("t", "asked", "lost", "rtt_us", "unusable")

    def __init__(self, t):
        self.t = t
        self.asked = self.lost = self.rtt_us = 0
        self.unusable = None  # None: not known


class Recording:
    def __init__(self, name, kind, group):
        self.name, self.kind, self.group = name, kind, group
        self.pieces = []  # lists of consecutive Second


def number(text):
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if abs(value) < 1e12 else None


def read_rows(path, problems):
    opener = gzip.open if path.suffix == ".gz" else open
    rows = []
    try:
        with opener(path, "rt", newline="") as f:
            reader = csv.DictReader(f)
            missing = {"t_s", "rtt_ms", "loss"} - set(reader.fieldnames or ())
            if missing:
                problems.append(f"{path}: no column {', '.join(sorted(missing))}")
                return []
            last = None
            for row in reader:
                t = number(row["t_s"])
                if t is None or (last is not None and t < last):
                    problems.append(f"{path}:{reader.line_num}: time is missing or runs backwards; the row is left out")
                    continue
                last = t
                rows.append((t, row))
    except (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError) as e:
        problems.append(f"{path}: {e}; what was read before is used")
    return rows


def outcome(row):
    """(loss 0..1, rtt in ms or None) of a row; None when it says nothing."""
    loss, rtt = number(row["loss"]), number(row["rtt_ms"])
    if loss is None and rtt is None:
        return None
    loss = 0.0 if loss is None else min(max(loss, 0.0), 1.0)
    if rtt is not None and (rtt > LATE_MS or rtt < 0):
        return 1.0, None
    return loss, rtt


def by_second(rows):
    """{second: Second}, {second: its outcomes in order}"""
    seconds, outcomes = {}, {}
    for t, row in rows:
        o = outcome(row)
        if o:
            k = int(t // 1)
            seconds.setdefault(k, Second(k))
            outcomes.setdefault(k, []).append((o, row.get("loss_src") or "ping"))
    return seconds, outcomes


def throughput_only(rows):
    return {row["loss_src"] for _, row in rows if row.get("loss_src")} == {"tput"}


def chance(seen):
    """A lost probe alone, where rows are single probes and not sums of a second."""
    return sum(o[0] >= 0.5 for o, _ in seen) < 2 and seen[0][1] in ("ping", "twamp", "tput")


def judge(seconds, outcomes, rng):
    """Fills in what probes would have told, and whether the path could be used."""
    alone = []
    for k, second in seconds.items():
        seen = outcomes[k]
        loss = sum(o[0] for o, _ in seen) / len(seen)
        rtts = sorted(o[1] for o, _ in seen if o[1] is not None)
        second.unusable = loss >= 0.5
        if second.unusable and chance(seen):
            alone.append(k)
        second.asked = PROBES
        second.lost = sum(rng.random() < loss for _ in range(PROBES))
        second.rtt_us = int(rtts[len(rtts) // 2] * 1000) if rtts and second.lost < PROBES else 0
    for k in alone:
        if not any(n in seconds and seconds[n].unusable for n in (k - 2, k - 1, k + 1, k + 2)):
            seconds[k].unusable = False
            seconds[k].lost = 1
    return seconds


def load(path, kind, group, problems):
    recording = Recording(path.name.split(".")[0], kind, group)
    rows = read_rows(path, problems)
    if not rows or throughput_only(rows):
        return None  # a second without traffic is no lost probe
    seconds, outcomes = by_second(rows)
    judge(seconds, outcomes, random.Random(recording.name))
    piece, known = [], None
    for k in sorted(seconds):
        second = seconds[k]
        if known is not None and k - known > HOLE_S:
            recording.pieces.append(piece)
            piece = []
        while piece and piece[-1].t < k - 1:
            piece.append(Second(piece[-1].t + 1))
        piece.append(second)
        known = k
    recording.pieces.append(piece)
    return recording


def site(group):
    return SITES.get(group.split("-")[0], group)


def files(folder):
    return sorted(p for p in folder.rglob("*") if p.name.endswith((".csv", ".csv.gz")) and p.name != "index.csv")


def read_index(folder):
    """{file: row}"""
    if not (folder / "index.csv").is_file():
        return {}
    with open(folder / "index.csv", newline="", errors="replace") as f:
        return {row.get("file"): row for row in csv.DictReader(f)}


def load_folder(folder, problems, progress=None):
    folder = pathlib.Path(folder)
    index, paths = read_index(folder), files(folder)
    if not paths:
        sys.exit(f"{folder} holds no recordings (.csv or .csv.gz)")
    recordings = []
    for n, path in enumerate(paths):
        if progress:
            progress(n, len(paths), path.name)
        row = index.get(path.relative_to(folder).as_posix(), {})
        kind = row.get("link") or {"5g": "cellular"}.get(path.parent.name, path.parent.name)
        if kind not in KINDS:
            continue
        group = row.get("group") or path.name.split(".")[0]
        recording = load(path, kind, group, problems)
        if recording:
            recordings.append(recording)
    return recordings

"""A full-screen program above, a few rows of our own below.

The program runs on a pseudo-terminal that is a few rows lower than the real one; what it draws
goes through as it is, and our rows are drawn when it pauses.  Keys go to the program.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import textwrap
import time
import tty
from collections import deque

ROWS = 7
ROWS_LEAST = 16  # left to the program; on a lower terminal our rows become fewer
SUSPEND = b"\x1a"  # would stop the program and leave us with a dead screen


class Screen:
    def __init__(self, argv):
        self.argv = argv
        self.head = "demonstration: the links settle"
        self.lines = deque(maxlen=ROWS - 1)
        self.done = False
        self.resized = True
        self.stale = True
        self.colours = not os.environ.get("NO_COLOR")

    # -- what the story tells; called from its thread

    def fault(self, number, total, title, text):
        self.head = f"demonstration, fault {number} of {total}: {title}"
        self._add("", text)

    def outcome(self, outcome):
        self._add("32" if outcome.good else "31", f"  {outcome.text}")

    def note(self, text):
        self._add("2", text)

    def finished(self):
        self.done = True

    def _add(self, colour, text):
        self.lines.append((time.strftime("%H:%M:%S"), colour, text))
        self.stale = True

    # -- the terminal

    def __enter__(self):
        self.out = sys.stdout.fileno()
        self.before = termios.tcgetattr(0)
        size = self._program_size()
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            self._become_program(size)
        self._resize()
        self.old_winch = signal.signal(signal.SIGWINCH, self._on_resize)
        tty.setraw(0)
        return self

    def _become_program(self, size):
        try:
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)  # its first look must find the right one
            os.execv(self.argv[0], self.argv)
        finally:
            os._exit(127)

    def __exit__(self, *_):
        signal.signal(signal.SIGWINCH, self.old_winch)
        try:
            os.kill(self.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        self._drain()
        os.close(self.master)
        os.waitpid(self.pid, 0)
        termios.tcsetattr(0, termios.TCSADRAIN, self.before)
        # what the program does at its end, in case it did not come to it
        os.write(self.out, b"\033[?7h\033[0m\033[?25h\033[?1049l")

    def _drain(self):
        """Its last words, until it has closed the terminal."""
        end = time.monotonic() + 1
        while time.monotonic() < end:
            if not select.select([self.master], [], [], 0.1)[0]:
                continue
            if not self._pass_on():
                return

    def _on_resize(self, *_):
        self.resized = True

    def _size(self):
        rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(self.out, termios.TIOCGWINSZ, b"\0" * 8))
        return rows or 24, columns or 80

    def _rows(self):
        """How many rows are ours."""
        return max(2, min(ROWS, self._size()[0] - ROWS_LEAST))

    def _program_size(self):
        rows, columns = self._size()
        return struct.pack("HHHH", max(rows - self._rows(), 1), columns, 0, 0)

    def _resize(self):
        self.resized = False
        self.stale = True
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, self._program_size())

    def _pass_on(self):
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False  # the program has ended
        _write_all(self.out, data)
        # it clears all of the screen when it draws anew
        if b"\033[2J" in data or b"\033[?1049h" in data:
            self.stale = True
        return bool(data)

    def run(self):
        """Until the program ends or the story does."""
        while not self.done:
            if self.resized:
                self._resize()
            ready, _, _ = select.select([self.master, 0], [], [], 0.05)
            if self.master in ready and not self._pass_on():
                return
            if 0 in ready:
                keys = os.read(0, 1024)
                if not keys:
                    return  # the terminal is gone
                os.write(self.master, keys.replace(SUSPEND, b""))
            if not ready and self.stale:
                self._draw()

    def _draw(self):
        self.stale = False
        rows, columns = self._size()
        ours = self._rows()
        top = rows - ours + 1
        text = ["\0337", f"\033[{top};1H", self._style("7", self.head.ljust(columns)[:columns])]
        body = []
        for clock, colour, line in self.lines:
            wrapped = textwrap.wrap(line, max(columns - 11, 20), drop_whitespace=False) or [""]
            body += [(clock if i == 0 else "", colour, part) for i, part in enumerate(wrapped)]
        body = body[-(ours - 1) :]
        for i in range(ours - 1):
            text.append(f"\033[{top + 1 + i};1H\033[K")
            if i < len(body):
                clock, colour, part = body[i]
                text.append(self._style("2", f"{clock:<10}") + self._style(colour, part))
        text.append("\0338")
        _write_all(self.out, "".join(text).encode())

    def _style(self, code, text):
        return f"\033[{code}m{text}\033[0m" if code and (self.colours or code == "7") else text


def _write_all(fd, data):
    while data:
        data = data[os.write(fd, data) :]

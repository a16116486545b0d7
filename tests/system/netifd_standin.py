"""netifd as autonomyd sees it: an object on the bus that answers dump and tells of changes, and the resolvers' file."""
import os
import socket
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bus"))
import wire  # noqa: E402

AGAIN_S = 0.1


class Netifd:
    """interfaces: as network.interface dump has them.  file: where their resolvers are written to, at the start.  Comes
    back to a bus that restarts, as the real one does."""

    def __init__(self, bus, interfaces, file=None):
        self.bus, self.interfaces, self.dumps = str(bus), interfaces, 0
        self.client = self.object = None
        self.ended = threading.Event()
        if file:
            self.write(Path(file))
        self.join()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def write(self, file):
        """As netifd does: another file, renamed."""
        new = file.with_name(file.name + ".tmp")
        new.write_text("".join(f"# Interface {i['interface']}\n" + "".join(f"nameserver {s}\n" for s in i["dns-server"])
                               for i in self.interfaces if i.get("dns-server")))
        os.rename(new, file)

    def join(self):
        client = None
        try:
            client = wire.Client(self.bus, None)
            self.object = client.add_object("network.interface", {"dump": {}})
            self.client = client
        except (wire.Failed, EOFError, OSError):  # no bus now
            if client:
                client.close()

    def serve(self):
        while not self.ended.is_set():
            try:
                while self.client:
                    message, method, _ = self.client.next_invoke()
                    if method == "dump":
                        self.dumps += 1
                        self.client.reply(message, {"interface": self.interfaces})
            except (EOFError, OSError):
                self.client.close()
                self.client = None
            if not self.ended.wait(AGAIN_S):
                self.join()

    def tell(self, number):
        self.client.notify(self.object, "interface.update", self.interfaces[number])

    def close(self):
        self.ended.set()
        client = self.client
        if client:
            try:
                client.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the bus went first
        self.thread.join()
        if self.client:
            self.client.close()

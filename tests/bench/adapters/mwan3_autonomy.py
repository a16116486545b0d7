"""autonomy steering mwan3, which runs as it is shipped: mode 'auto', no other configuration but where
mwan3's is.
"""
import importlib.util
from pathlib import Path

import mwan3

_spec = importlib.util.spec_from_file_location("plain", Path(__file__).with_name("autonomy.py"))
_plain = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_plain)


class Adapter(_plain.Adapter):
    title = "autonomy + mwan3"

    @classmethod
    def missing(cls):
        return super().missing() + mwan3.missing()

    @classmethod
    def how_to_get(cls):
        return mwan3.how_to_get() if mwan3.missing() else super().how_to_get()

    def start(self):
        self.mwan3 = mwan3.Mwan3(self, mwan3.SHIPPED)
        self.mwan3.start()
        self.extra = f"\nconfig steer 'steer'\n\toption mwan3_config '{self.mwan3.config}'\n"
        super().start()

    def stop(self):
        super().stop()
        if hasattr(self, "mwan3"):
            self.mwan3.stop()

    def settled(self):
        if not super().settled():
            return False
        text = " ".join((self.ctl("status") or {}).get("steering", ()))
        return "and steered" in text and "goes to" not in text and self.mwan3.prefers_first()

#!/usr/bin/env python3
"""The test bus's own bytes against frames that were seen on a real bus."""
import unittest

import wire

CALL = bytes.fromhex("00050002ec52e9bf00000044"
                     "03000008ec52e9bf" "0400000867657400" "07000030"
                     "830000180006636f6e666967000000006e6574776f726b00"
                     "83000014000773656374696f6e00000077616e00")
ENDED = bytes.fromhex("00010002ec52e9bf000000140100000800000000" "03000008ec52e9bf")
REPLY = bytes.fromhex("83000017" "00086772656574696e670000" "686920626f620000" "8500000c00016e0000000007"
                      "840000140003626967000000000000012a05f200" "8500001000036e6567000000fffffffe"
                      "8700000d00026f6b0000000001000000" "8800001000016600" "3ff8000000000000"
                      "8100002400046c6973740000" "8500000c0000000000000001" "8300000c0000000074776f00"
                      "8200001800037461620000008500000c0001610000000001")
VALUES = {"greeting": "hi bob", "n": 7, "big": 5000000000, "neg": -2, "ok": True, "f": 1.5, "list": [1, "two"], "tab": {"a": 1}}


class Wire(unittest.TestCase):
    def test_values_are_the_bytes_that_were_seen(self):
        self.assertEqual(wire.values(VALUES), REPLY)
        self.assertEqual(wire.table(REPLY), VALUES)

    def test_frames_are_the_bytes_that_were_seen(self):
        self.assertEqual(CALL, wire.frame(wire.INVOKE, 2, 0xec52e9bf, (wire.A_OBJECT, 0xec52e9bf), (wire.A_METHOD, "get"),
                                          (wire.A_DATA, {"config": "network", "section": "wan"})))
        self.assertEqual(ENDED, wire.frame(wire.STATUS, 2, 0xec52e9bf, (wire.A_STATUS, 0), (wire.A_OBJECT, 0xec52e9bf)))

    def test_a_stream_may_be_cut_anywhere(self):
        stream, messages = wire.Stream(), []
        for byte in CALL + ENDED:
            messages += stream.feed(bytes([byte]))
        self.assertEqual([m.kind for m in messages], [wire.INVOKE, wire.STATUS])
        self.assertEqual(messages[0].data, {"config": "network", "section": "wan"})
        self.assertEqual(messages[1][wire.A_STATUS], 0)

    def test_every_shortening_is_noticed_or_read(self):
        for size in range(len(REPLY)):
            try:
                wire.table(REPLY[:size])
            except wire.Malformed:
                pass


if __name__ == "__main__":
    unittest.main()

"""What the figures of a trial mean, on small traffic written by hand."""
import unittest

import measure
from measure import Flow, Packet
from stats import NEVER

MS = 1000


def flow(sent_ms, rtt_ms=40, dead=(), via="wan1", after=None):
    """Packets at the times sent_ms; those in [dead) are lost; after (ms, link): the uplink from then on."""
    out = []
    for t in sent_ms:
        if dead and dead[0] <= t < dead[1]:
            out.append(Packet(t * MS))
            continue
        link = after[1] if after and t >= after[0] else via
        out.append(Packet(t * MS, (t + rtt_ms) * MS, link))
    return out


class Fault(unittest.TestCase):
    def setUp(self):
        # black hole at 1000 ms, moved to wan2 at 1120 ms; what was under way at 960..1000 is lost too
        self.packets = flow(range(0, 2000, 10), dead=(960, 1120), after=(1120, "wan2"))

    def test_first_answer_is_the_arrival_of_one_sent_after_the_fault(self):
        self.assertEqual(measure.first_answer_ms(self.packets, 1000 * MS), 160)

    def test_first_answer_ignores_late_answers_to_older_packets(self):
        packets = [Packet(0, 1100 * MS, "wan1"), Packet(1200 * MS, 1240 * MS, "wan2")]
        self.assertEqual(measure.first_answer_ms(packets, 1000 * MS), 240)

    def test_never_when_nothing_comes(self):
        packets = flow(range(0, 2000, 10), dead=(1000, 9000))
        self.assertEqual(measure.first_answer_ms(packets, 1000 * MS), NEVER)
        self.assertEqual(measure.moved_ms(packets, 1000 * MS, "wan1"), NEVER)
        self.assertEqual(measure.outage_ms(packets, 1000 * MS, 2000 * MS), NEVER)
        self.assertIsNone(measure.first_answer_ms([], 1000 * MS))

    def test_moved_is_the_sending_of_the_first_over_another_link(self):
        self.assertEqual(measure.moved_ms(self.packets, 1000 * MS, "wan1"), 120)

    def test_outage_is_the_longest_silence_across_the_fault(self):
        self.assertEqual(measure.outage_ms(self.packets, 1000 * MS, 2100 * MS), 170)

    def test_outage_without_loss_is_the_interval(self):
        self.assertEqual(measure.outage_ms(flow(range(0, 2000, 10)), 1000 * MS, 2030 * MS), 10)

    def test_outage_before_the_fault_does_not_count(self):
        packets = flow(range(0, 2000, 10), dead=(200, 700))
        self.assertEqual(measure.outage_ms(packets, 1000 * MS, 2030 * MS), 10)

    def test_lost_counts_sends_in_the_window(self):
        self.assertEqual(measure.lost(self.packets, 0, 2000 * MS), 16)
        self.assertEqual(measure.lost(self.packets, 1000 * MS, 2000 * MS), 12)
        self.assertEqual(measure.lost(self.packets, 1120 * MS, 2000 * MS), 0)


class Tcp(unittest.TestCase):
    def test_a_reset_ends_the_silence(self):
        stream = Flow(flow(range(0, 2000, 20), dead=(1000, 3000)), [1241 * MS])
        self.assertEqual(measure.silent_ms(stream, 1000 * MS), 241)

    def test_so_does_an_answer(self):
        stream = Flow([Packet(1010 * MS, 1400 * MS, "wan1")], [1500 * MS])
        self.assertEqual(measure.silent_ms(stream, 1000 * MS), 400)

    def test_an_older_reset_does_not(self):
        stream = Flow([Packet(1010 * MS)], [900 * MS])
        self.assertEqual(measure.silent_ms(stream, 1000 * MS), NEVER)


class Switches(unittest.TestCase):
    def vias(self, text):
        return [Packet(i * 10 * MS, i * 10 * MS + 1, {"1": "wan1", "2": "wan2"}[c]) if c != "." else Packet(i * 10 * MS)
                for i, c in enumerate(text)]

    def test_counts_changes_that_last(self):
        rows = (("111111", 1), ("111222", 2), ("111...222", 2), ("111222111", 3), ("", 0), ("....", 0),
                ("11121111", 1), ("1112211", 1))
        for text, want in rows:
            self.assertEqual(len(measure.switches(self.vias(text))), want, text)

    def test_a_switch_has_the_time_of_its_first_packet(self):
        self.assertEqual(measure.switches(self.vias("111.222"))[1], (40 * MS, "wan2"))


class Decisions(unittest.TestCase):
    def test_first_change_away_from_the_link(self):
        rows = [(0, "wan1"), (1130 * MS, "wan2"), (1500 * MS, "wan1")]
        self.assertEqual(measure.first_change_ms(rows, 1000 * MS, "wan1"), 130)
        self.assertEqual(measure.first_change_ms(rows, 1200 * MS, "wan1"), 0)
        self.assertEqual(measure.first_change_ms([(0, "wan1")], 1000 * MS, "wan1"), NEVER)
        self.assertIsNone(measure.first_change_ms([], 0, "wan1"))

    def test_no_route_is_not_a_move(self):
        self.assertEqual(measure.first_change_ms([(0, "wan1"), (5, "-"), (9 * MS, "wan2")], 1, "wan1"), 8.999)


if __name__ == "__main__":
    unittest.main()

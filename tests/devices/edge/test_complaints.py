"""Complaints say what, where and what to do, all of a file at once."""

import pytest

from devices.edge.complaints import Collector, Complaint, did_you_mean


def test_one_mistake_reads_file_line_what_and_remedy():
    assert str(Complaint("fleet.toml", 17, "it is wrong", "mend it")) == "fleet.toml:17: it is wrong — mend it"


def test_a_mistake_of_the_whole_file_has_no_line_and_may_have_no_remedy():
    assert str(Complaint("fleet.toml", 0, "there is no such file")) == "fleet.toml: there is no such file"


def test_all_mistakes_are_raised_together_in_the_order_of_their_lines():
    into = Collector("fleet.toml")
    into.add(9, "second", "b")
    into.add(3, "first", "a")
    with pytest.raises(Complaint) as raised:
        into.done()
    assert str(raised.value) == "fleet.toml:3: first — a\nfleet.toml:9: second — b"
    assert [c.line for c in raised.value.each()] == [3, 9]


def test_a_single_mistake_is_each_of_itself():
    into = Collector("fleet.toml")
    into.add(3, "first")
    with pytest.raises(Complaint) as raised:
        into.done()
    assert raised.value.each() == [raised.value]


def test_nothing_found_raises_nothing():
    Collector("fleet.toml").done()


def test_the_nearest_word_is_offered_else_all_of_them():
    assert did_you_mean("formt", ["format", "topic"]) == "did you mean 'format'?"
    assert did_you_mean("zzz", ["topic", "format"]) == "known here: format, topic"

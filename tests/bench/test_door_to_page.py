"""The whole job in short, by `./threshold test -m bench -s`: it prints its figures, and no page is lost."""

import pytest

from tests.bench.bench_door_to_page import options, run

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]


@pytest.mark.parametrize("way", ["direct", "broker", "paho"])
def test_every_opening_is_acknowledged_and_paged(way):
    found = run(options(["--ways", way, "--rates", "1000,5000", "--seconds", "3"]))
    assert [(one.missing, one.unacknowledged) for one in found] == [(0, 0), (0, 0)]

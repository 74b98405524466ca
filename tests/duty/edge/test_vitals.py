from pathlib import Path

import apsw

from duty.edge.vitals import LIVES_MS, LOOK_MS, Vitals


def test_the_core_lives_while_it_touches_its_status(tmp_path: Path) -> None:
    now = [1_000_000]
    vitals = Vitals(tmp_path, clock_ms=lambda: now[0])
    assert vitals.alive_ms() == 0  # it never ran
    file = apsw.Connection(str(tmp_path / "streams.db"))
    file.execute("CREATE TABLE status (partition INTEGER PRIMARY KEY, at_ms INTEGER)")
    file.execute("INSERT INTO status VALUES (0, 990000), (1, 999000)")
    now[0] += LOOK_MS
    assert vitals.alive_ms() == now[0]
    now[0] = 990_000 + LIVES_MS
    assert vitals.alive_ms() == 990_000  # one partition stands still: the picture is as old as that
    file.execute("UPDATE status SET at_ms = ?", (now[0],))
    now[0] += LOOK_MS
    assert vitals.alive_ms() == now[0]
    vitals.close()
    file.close()

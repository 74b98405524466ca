"""The report of a trial as a file."""

import json
from zoneinfo import ZoneInfo

from deploy.replay import main
from deploy.trial_file import ReportFile, progress_path
from streams.trial import decode_report, total
from tests.deploy.test_box_log import GRIDS, box  # noqa: F401 - a fixture


def test_how_far_it_is_stands_beside_it_until_it_is_there(tmp_path):
    path = tmp_path / "report.json"
    file = ReportFile(path, ZoneInfo("Asia/Shanghai"))
    told = []
    watch = file.watch(lambda *at: told.append(at))
    watch(0.25, 400)
    watch(0.26, 410)
    assert json.loads(progress_path(path).read_bytes()) == {"share": 0.25, "records": 400}
    assert told == [(0.25, 400), (0.26, 410)]
    file.done(1, 2, 0)
    assert not progress_path(path).exists()
    assert (decode_report(path.read_bytes()).since_ms, decode_report(path.read_bytes()).until_ms) == (1, 2)


def test_a_boxs_log_tried_with_another_policy(box, tmp_path, capfdbinary):  # noqa: F811
    policy, path = tmp_path / "alone.toml", tmp_path / "report.json"
    policy.write_text('[ladder.undeclared-opening]\npage = ["worker"]\nsteps = []\n')
    assert main(config=box, since="26h", policy=policy, against="current", report=path) == 0
    assert capfdbinary.readouterr() == (b"", b"")
    report = decode_report(path.read_bytes())
    police = total(c for c in report.counts if c.decision == "page" and c.role == "police")
    assert police == (0, police[1]) and police[1] >= len(GRIDS)
    assert report.events > 0 and all(change.events for change in report.changes)
    assert {change.decision.grid for change in report.changes} == set(GRIDS)


def test_a_report_needs_two_policies(box, tmp_path, capfdbinary):  # noqa: F811
    assert main(config=box, since="26h", report=tmp_path / "report.json") == 1
    assert b"--against" in capfdbinary.readouterr().err

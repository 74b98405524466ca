"""Tries of a policy: processes of their own, one at a time, bounded, kept, ended with the desk."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from duty.edge.trials import KEPT, Busy, Trial, Trials
from streams.trial import total
from tests.desk_story import POLICY
from tests.desk_world import World
from tests.waiting import wait_until

PATIENT = b'[ladder.undeclared-opening]\npage = ["worker"]\nsteps = []\n'


@pytest.fixture
def trials(world: World) -> Iterator[Trials]:
    made = Trials(world.parts.settings)
    yield made
    made.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def start(trials: Trials, policy: bytes = PATIENT, at_ms: int = 1_581_790_440_000) -> Trial:
    return trials.start(policy, days=7, by="s-001", name="patient", at_ms=at_ms)


def ended(trials: Trials, trial: Trial) -> Trial:
    def over() -> bool:
        found = trials.get(trial.id)
        return found is not None and found.state != "running"

    wait_until(over, 100, "the end of the try")
    found = trials.get(trial.id)
    assert found is not None
    return found


class Slow(Trials):
    """One whose process does nothing for a minute."""

    def _command(self, folder: Path, days: int) -> list[str]:
        return [sys.executable, "-c", "import time; time.sleep(60)"]


def test_a_try_compares_what_would_have_been_with_what_was(trials: Trials) -> None:
    trial = start(trials)
    assert trials.get(trial.id) is not None and trials.report(trial.id) is None
    done = ended(trials, trial)
    assert (done.state, done.why, done.by, done.name) == ("done", "", "s-001", "patient")
    report = trials.report(trial.id)
    assert report is not None
    police = total(c for c in report.counts if c.decision == "page" and c.role == "police" and c.kind.startswith("und"))
    assert police[0] == 0 < police[1]
    gone = [c for c in report.changes if c.new is None and c.decision.role == "police"]
    assert gone and gone[0].events, "each difference has the events that led to it"
    assert trials.policy(trial.id) == PATIENT.decode()
    assert [each.id for each in trials.all()] == [trial.id]


def test_the_policy_in_force_differs_in_nothing(trials: Trials) -> None:
    trial = start(trials, POLICY.read_bytes())
    assert ended(trials, trial).state == "done"
    report = trials.report(trial.id)
    assert report is not None and report.changes == [] and report.counts


def test_what_is_wrong_with_a_policy_is_told_with_its_line(trials: Trials) -> None:
    trial = start(trials, b'[ladder.undeclared-opening]\npage = ["wroker"]\n')
    failed = ended(trials, trial)
    assert failed.state == "failed" and failed.why.startswith("policy.toml:2") and "wroker" in failed.why
    assert trials.report(trial.id) is None


def test_one_at_a_time_and_one_can_be_cancelled(world: World) -> None:
    trials = Slow(world.parts.settings)
    trial = start(trials)
    with pytest.raises(Busy):
        start(trials, at_ms=1_581_790_440_001)
    assert trials.cancel(trial.id)
    assert ended(trials, trial).state == "cancelled"
    assert not trials.cancel(trial.id)
    again = start(trials, at_ms=1_581_790_440_002)
    assert trials.delete(again.id) and trials.get(again.id) is None and not trials.delete(again.id)


def test_one_that_takes_too_long_is_ended(world: World) -> None:
    trials = Slow(world.parts.settings, longest_s=0.2)
    assert ended(trials, start(trials)).state == "too-long"


def test_no_instant_between_running_and_its_end(world: World) -> None:
    class Pausing(Slow):
        """One that takes its time between the end of the process and the word of it."""

        def _complaints(self, trial: str) -> str:
            time.sleep(0.3)
            return super()._complaints(trial)

    trials = Pausing(world.parts.settings, longest_s=0.1)
    trial = start(trials)
    told: list[str] = []
    while "too-long" not in told:
        found = trials.get(trial.id)
        assert found is not None
        told.append(found.state)
        assert set(told) <= {"running", "too-long"}


def test_it_ends_with_the_desk_and_is_told_as_interrupted_after_a_crash(world: World) -> None:
    trials = Slow(world.parts.settings)
    trial = start(trials)
    running = trials._running
    assert running is not None
    after = Trials(world.parts.settings).get(trial.id)
    assert after is not None and after.state == "interrupted"
    trials.close()
    assert running[1].poll() is not None
    last = trials.get(trial.id)
    assert last is not None and last.state == "interrupted"


def test_none_is_begun_once_the_desk_ends(world: World) -> None:
    trials = Slow(world.parts.settings)
    trials.close()
    with pytest.raises(Busy):
        start(trials)


def test_progress_is_read_from_beside_the_report(world: World) -> None:
    trials = Slow(world.parts.settings)
    trial = start(trials)
    path = world.parts.settings.data_path / "trials" / trial.id / "report.json.progress"
    path.write_bytes(msgspec.json.encode({"share": 0.25, "records": 700}))
    found = trials.get(trial.id)
    assert found is not None and (found.share, found.records) == (0.25, 700)
    trials.close()


def test_the_oldest_are_forgotten(world: World) -> None:
    folder = world.parts.settings.data_path / "trials"
    for number in range(KEPT + 3):
        (folder / f"15817904{number:05d}-00000000").mkdir(parents=True)
    (folder / "something else").mkdir()
    trials = Slow(world.parts.settings)
    start(trials)
    trials.close()
    assert len(list(folder.iterdir())) == KEPT + 1 and (folder / "something else").exists()


@pytest.mark.parametrize("trial", ["", "..", "../../etc", "1581790440000-zzzzzzzz", "1581790440000-00000000"])
def test_an_id_that_is_none_is_nobodys(trials: Trials, trial: str) -> None:
    assert trials.get(trial) is None and trials.report(trial) is None and trials.policy(trial) == ""
    assert not trials.cancel(trial) and not trials.delete(trial)

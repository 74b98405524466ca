from pathlib import Path

import pytest

from duty.edge.policy_watch import PolicyWatch, differences, rows_of
from duty.edge.store import Store
from tests.desk_story import POLICY


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    file = tmp_path / "policy.toml"
    file.write_bytes(POLICY.read_bytes())
    return file


def watch(store: Store, policy: Path) -> PolicyWatch:
    return PolicyWatch(store, policy, clock_ms=lambda: 5, say=lambda _: None)


def change(policy: Path, old: str, new: str) -> None:
    text = policy.read_text("utf-8")
    assert old in text
    policy.write_text(text.replace(old, new), "utf-8")


def told(store: Store) -> list[tuple[str, str]]:
    return [(row.action, row.detail) for row in store.audit_rows()]


def test_a_change_is_in_the_audit_log_with_both_values(store: Store, policy: Path) -> None:
    looking = watch(store, policy)
    assert looking.look() == [], "what is there at the first look is no change"
    change(policy, "late_s = 120 ", "late_s = 90 ")
    change(policy, 'page = ["worker", "police"]', 'page = ["worker"]')
    assert looking.look() == ["doors.late_s: 120 → 90", 'ladder.tamper.page: ["worker","police"] → ["worker"]']
    assert looking.look() == []
    assert [action for action, _ in told(store)] == ["change-policy"] * 2
    assert told(store)[0][1] == "doors.late_s: 120 → 90"
    assert store.verify_audit() is None


def test_a_change_made_while_the_desk_was_stopped_is_found_at_its_start(store: Store, policy: Path) -> None:
    watch(store, policy).look()
    change(policy, "late_s = 120 ", "late_s = 90 ")
    assert watch(store, policy).look() == ["doors.late_s: 120 → 90"]
    assert watch(store, policy).look() == []


def test_a_file_that_is_half_written_or_gone_is_looked_at_again(store: Store, policy: Path) -> None:
    looking = watch(store, policy)
    looking.look()
    whole = policy.read_text("utf-8")
    policy.write_text(whole[:-3] + '"', "utf-8")
    assert looking.look() == []
    policy.unlink()
    assert looking.look() == []
    policy.write_text(whole.replace("late_s = 120 ", "late_s = 60 "), "utf-8")
    assert looking.look() == ["doors.late_s: 120 → 60"]


def test_a_comment_is_no_change(store: Store, policy: Path) -> None:
    looking = watch(store, policy)
    looking.look()
    policy.write_text(policy.read_text("utf-8") + "\n# tried in March\n", "utf-8")
    assert looking.look() == []
    assert told(store) == []


def test_rows_and_differences() -> None:
    assert rows_of({"a": {"b": 1, "c": [True]}, "d": "x"}) == {"a.b": "1", "a.c": "[true]", "d": '"x"'}
    assert differences({"a": "1", "b": "2"}, {"a": "1", "c": "3"}) == ["b: 2 → -", "c: - → 3"]

import pytest

from duty.access import ACTIONS, ROWS, Allowed, Refused, closing_action, grids_seen, may, may_speak_for
from duty.people import STAFF_ROLES
from tests.duty.rosters import person


def test_every_action_has_a_row_with_a_sentence_and_known_roles() -> None:
    assert set(ROWS) == set(ACTIONS)
    for row in ROWS.values():
        assert row.sentence.endswith(".")
        assert row.roles
        assert set(row.roles) <= set(STAFF_ROLES)


# The table of roles as a duty officer would write it down: what each may do in their own grid.
MAY = {
    "worker": (
        "see-board see-buildings see-household see-temperatures see-contacts edit-contacts see-checkpoint "
        "scan acknowledge close snooze mute declare record-visit open-case close-case make-link see-roster "
        "edit-own edit-devices see-policy"
    ),
    "police": (
        "see-board see-buildings see-household see-contacts acknowledge close snooze see-roster edit-own see-policy"
    ),
    "doctor": (
        "see-board see-buildings see-household see-temperatures see-contacts see-checkpoint scan acknowledge "
        "close close-fever snooze record-visit see-roster edit-own see-policy"
    ),
    "guard": ("see-checkpoint scan acknowledge see-roster edit-own see-policy"),
    "supervisor": (
        "see-board see-buildings see-household see-temperatures see-contacts edit-contacts see-checkpoint "
        "scan acknowledge close close-fever snooze mute declare record-visit open-case close-case make-link "
        "see-figures see-roster edit-roster see-system see-staff edit-own edit-channels edit-devices "
        "see-policy try-policy export-figures see-bulletin"
    ),
    "admin": (
        "see-roster edit-roster see-system replay-rejects see-staff edit-staff edit-own edit-channels "
        "edit-devices see-policy see-bulletin"
    ),
    "auditor": ("see-roster edit-own see-policy see-audit export-audit"),
}


@pytest.mark.parametrize("role", STAFF_ROLES)
@pytest.mark.parametrize("action", ACTIONS)
def test_role_by_action(role: str, action: str) -> None:
    member = person("x", role, grids="g017")  # type: ignore[arg-type]
    answer = may(member, action, "g017")
    assert isinstance(answer, Allowed) == (action in MAY[role].split())
    of_grid = ROWS[action].of_grid  # type: ignore[index]
    elsewhere = may(member, action, "g018")
    if isinstance(answer, Allowed):
        assert elsewhere == (Refused("grid") if of_grid else answer)
        assert may(person("x", role, disabled=True), action, "g017") == Refused("disabled")  # type: ignore[arg-type]
        assert isinstance(may(person("x", role, grids="*"), action, "g999"), Allowed)  # type: ignore[arg-type]
    else:
        assert elsewhere == Refused("role")


def test_health_figures_are_not_for_the_police_and_the_audit_log_not_for_who_administers() -> None:
    assert may(person("x", "police"), "see-temperatures", "g017") == Refused("role")
    assert may(person("x", "admin"), "see-audit") == Refused("role")
    assert may(person("x", "auditor"), "edit-staff") == Refused("role")


def test_what_is_not_in_the_table_is_refused() -> None:
    assert may(person("x", *STAFF_ROLES, grids="*"), "drop-tables") == Refused("unknown-action")


def test_a_person_of_two_roles_is_told_by_which_it_is_allowed() -> None:
    assert may(person("x", "doctor", "guard"), "scan", "g017") == Allowed(("guard", "doctor"))


def test_lists_are_filtered_by_the_same_table() -> None:
    grids = ["g017", "g018", "g019"]
    assert grids_seen(person("x", "worker", grids="g017 g019"), "see-board", grids) == ["g017", "g019"]
    assert grids_seen(person("x", "guard", grids="*"), "see-board", ["g017"]) == []


@pytest.mark.parametrize("kind", ["fever", "home-fever", "fever-cluster"])
def test_a_fever_is_closed_by_the_doctor(kind: str) -> None:
    assert closing_action(kind) == "close-fever"
    assert closing_action("tamper") == "close"


def test_who_speaks_for_a_role() -> None:
    assert may_speak_for(person("x", "worker"), "worker", "g017")
    assert not may_speak_for(person("x", "worker"), "police", "g017")
    assert not may_speak_for(person("x", "worker"), "worker", "g018")
    assert not may_speak_for(person("x", "worker", disabled=True), "worker", "g017")


def test_a_supervisor_stands_in_for_the_team_and_nobody_else_does() -> None:
    boss = person("x", "supervisor")
    assert [may_speak_for(boss, role, "g017") for role in ("worker", "police", "doctor", "supervisor")] == [True] * 4
    assert not may_speak_for(boss, "guard", "g017")
    assert not may_speak_for(boss, "worker", "g018")
    assert not may_speak_for(person("x", "doctor"), "supervisor", "g017")

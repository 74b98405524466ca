"""Drawing a page: who sees which places, where links may lead."""

import pytest

from duty.edge.desk.look import bar_for, local_address, more_for
from duty.people import Person


def places(rows: list[tuple[str, str, str]]) -> list[str]:
    return [address for address, _, _ in rows]


def person(role: str, grids: tuple[str, ...] = ("g017",)) -> Person:
    return Person(id="x", login="x", name="x", roles=(role,), grids=grids)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("role", "bar"),
    [
        ("worker", ["/board", "/buildings", "/households", "/handover", "/more"]),
        ("police", ["/board", "/buildings", "/households", "/handover", "/more"]),
        ("guard", ["/checkpoints", "/more"]),
        ("supervisor", ["/overview", "/board", "/buildings", "/handover", "/more"]),
    ],
)
def test_each_role_has_its_places_at_the_thumb(role: str, bar: list[str]) -> None:
    found = places(bar_for(person(role, ("*",) if role == "supervisor" else ("g017",))))
    assert found[: len(bar) - 1] == bar[:-1]
    assert found[-1] == "/more"
    assert len(found) <= 5


def test_an_administrator_has_the_other_screens_in_the_bar() -> None:
    found = places(bar_for(person("admin", ("*",))))
    assert len(found) == 5
    assert not set(found) & set(places(more_for(person("admin", ("*",)))))


@pytest.mark.parametrize(
    ("address", "kept"),
    [("/board", "/board"), ("/g/g017/h/3/1203?x=1", "/g/g017/h/3/1203?x=1"), ("//evil", "/"), ("https://evil", "/"),
     ("/\\evil", "/"), ("", "/"), ("/a\nb", "/"), ("/" + "x" * 600, "/")],
)  # fmt: skip
def test_nobody_is_led_away(address: str, kept: str) -> None:
    assert local_address(address) == kept

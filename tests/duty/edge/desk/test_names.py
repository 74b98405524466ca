"""Names of people on screens."""

import pytest

from duty.edge.desk import names as names_module
from duty.edge.desk.names import Names
from duty.people import Person


def test_the_staff_is_read_once_for_many_cards_and_again_when_it_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names_module, "_KEPT_S", 3600.0)
    reads: list[int] = []
    staff = [Person(id="w1", login="w1", name="李秀英", roles=("worker",))]

    def people() -> list[Person]:
        reads.append(1)
        return list(staff)

    names = Names(people)
    assert [names("w1"), names("w1"), names("resident")] == ["李秀英", "李秀英", "resident"]
    assert len(reads) == 1
    staff.append(Person(id="w2", login="w2", name="王建国", roles=("worker",)))
    names.forget()
    assert names("w2") == "王建国"
    assert len(reads) == 2


def test_a_change_while_the_staff_is_read_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names_module, "_KEPT_S", 3600.0)
    staff = [Person(id="w1", login="w1", name="李秀英", roles=("worker",))]

    def people() -> list[Person]:
        read = list(staff)
        if staff[0].name == "李秀英":  # and in this moment somebody changes it
            staff[0] = Person(id="w1", login="w1", name="李英", roles=("worker",))
            names.forget()
        return read

    names = Names(people)
    assert [names("w1"), names("w1")] == ["李秀英", "李英"]

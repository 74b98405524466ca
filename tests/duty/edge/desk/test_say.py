"""The core's words in the reader's language."""

from zoneinfo import ZoneInfo

from duty.edge.desk.say import Say
from duty.people import STAFF_ROLES
from streams.effects import Reason

ZONE = ZoneInfo("Asia/Shanghai")


def test_every_role_of_the_staff_has_a_name_in_both_languages() -> None:
    for role in STAFF_ROLES:
        assert Say("zh", ZONE).role(role) != role
        assert Say("en", ZONE).role(role)


def test_a_reason_is_a_sentence_and_none_is_nothing() -> None:
    assert Say("en", ZONE).reason(Reason("opened")) == "the door opened and nothing was declared"
    assert Say("zh", ZONE).reason(Reason("")) == ""


def test_a_person_in_a_reason_is_named_and_a_resident_is_called_so():
    names = {"w1": "王芳"}
    say = {t: Say(t, ZONE, lambda person: names.get(person, person)) for t in ("zh", "en")}
    reason = Reason("acknowledged", {"by": "w1"})
    assert [say[t].reason(reason) for t in say] == ["王芳 已接警", "acknowledged by 王芳"]
    closed = Reason("closed-by", {"by": "w1", "disposition": "true-alarm"})
    assert say["zh"].reason(closed) == "王芳 处置：属实"
    assert say["en"].reason(Reason("acknowledged", {"by": "gone"})) == "acknowledged by gone"
    assert [say[t].person("resident") for t in say] == ["住户", "resident"]
    assert reason.values == {"by": "w1"}


def test_a_word_nobody_knows_is_said_as_it_is() -> None:
    say = Say("zh", ZONE)
    assert say.kind("new-kind") == "new-kind"
    assert say.disposition("shrug") == "shrug"
    assert say.site("elbow") == "elbow"

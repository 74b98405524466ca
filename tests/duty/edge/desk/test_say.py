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


def test_a_word_nobody_knows_is_said_as_it_is() -> None:
    say = Say("zh", ZONE)
    assert say.kind("new-kind") == "new-kind"
    assert say.disposition("shrug") == "shrug"
    assert say.site("elbow") == "elbow"

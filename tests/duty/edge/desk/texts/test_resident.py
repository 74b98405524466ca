from duty.edge.desk.texts.resident import ROWS
from tests.duty.edge.desk.texts.checks import check


def test_both_languages_say_the_same() -> None:
    check("resident")


def test_a_resident_is_spoken_to_without_jargon() -> None:
    for chinese, _ in ROWS.values():
        for jargon in ("警情", "接警", "处置", "门磁", "工单"):
            assert jargon not in chinese

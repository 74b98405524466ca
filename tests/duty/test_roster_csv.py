from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duty.roster import Shift
from duty.roster_csv import decode, read, write
from tests.duty.rosters import person

STAFF = [person("wang"), person("li", "police")]
HEAD = "person,role,grids,first,last,days,from,until,order,holidays\n"


def test_a_row_becomes_a_shift() -> None:
    shifts, complaints = read(HEAD + "wang,worker,g017 g018,2020-02-16,2020-03-01,1-5,20:00,08:00,2,not\n", STAFF)
    assert complaints == []
    (found,) = shifts
    assert (found.person, found.role, found.grids, found.order) == ("wang", "worker", ("g017", "g018"), 2)
    assert (found.first, found.last, found.days) == (date(2020, 2, 16), date(2020, 3, 1), (0, 1, 2, 3, 4))
    assert (found.starts_min, found.ends_min, found.on_holidays) == (1200, 480, "not")


def test_a_chinese_table_from_excel_in_its_own_encoding() -> None:
    text = "人员,角色,网格,开始日期,上班,下班,星期\r\nwang,社区工作者,g017,2020/2/16,8:00,20：00,一三五\r\n"
    shifts, complaints = read(decode(text.encode("gb18030")), STAFF)
    assert complaints == []
    assert (shifts[0].role, shifts[0].days, shifts[0].first, shifts[0].last) == (
        "worker", (0, 2, 4), date(2020, 2, 16), date(2020, 2, 16),
    )  # fmt: skip
    assert read(decode(b"\xef\xbb\xbf" + text.encode()), STAFF)[0] == shifts


GOOD = {"person": "wang", "role": "worker", "grids": "g017", "first": "2020-02-16", "last": "", "days": "",
        "from": "08:00", "until": "20:00", "order": "", "holidays": ""}  # fmt: skip


@pytest.mark.parametrize(
    ("column", "text", "what"),
    [
        ("person", "zhang", "there is no login 'zhang'"),
        ("person", "", "no person"),
        ("role", "mayor", "there is no role 'mayor'"),
        ("grids", "", "no grid"),
        ("grids", "g017 a/b", "'a/b' is no grid"),
        ("first", "16.2.20", "'16.2.20' is no date"),
        ("first", "2019-02-29", "there is no day 2019-02-29"),
        ("last", "2020-02-15", "2020-02-15 is before 2020-02-16"),
        ("days", "xyz", "'xyz' are no days"),
        ("days", "1-", "'1-' are no days"),
        ("from", "25:00", "'25:00' is no time of day"),
        ("from", "24:00", "a day begins at 00:00"),
        ("until", "08.00", "'08.00' is no time of day"),
        ("order", "0", "'0' is no order"),
        ("holidays", "maybe", "'maybe' says nothing about holidays"),
    ],
)
def test_a_mistake_is_named_with_its_line(column: str, text: str, what: str) -> None:
    row = ",".join((GOOD | {column: text}).values())
    shifts, complaints = read(HEAD + "\n" + ",".join(GOOD.values()) + "\n" + row + "\n", STAFF)
    assert len(shifts) == 1
    assert [(c.line, c.column, c.what) for c in complaints] == [(4, column, what)]
    assert complaints[0].remedy


def test_every_mistake_of_a_file_is_told_at_once() -> None:
    _, complaints = read(HEAD + "zhang,mayor,,x,y,z,1,2,3x,q\n", STAFF)
    assert [c.column for c in complaints] == [
        "person", "role", "grids", "first", "last", "days", "from", "until", "order", "holidays",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "\n\n", "a,b\n1,2\n", 'person,role\n"x', "person\x00,role\n1\x002,3\n"])
def test_what_is_no_roster_is_told_so(text: str) -> None:
    shifts, complaints = read(text, STAFF)
    assert shifts == []
    assert len(complaints) == 1


def test_a_file_in_no_encoding_at_all_is_a_value_error() -> None:
    with pytest.raises(ValueError):
        decode(b"\xff\xfe\xff\xff\x81")


days = st.lists(st.integers(0, 6), min_size=1, unique=True).map(lambda d: tuple(sorted(d)))


@settings(max_examples=100, deadline=None)
@given(
    starts_min=st.integers(0, 1439), ends_min=st.integers(0, 1440), order=st.integers(1, 9), days=days,
    first=st.dates(date(2000, 1, 1), date(2050, 1, 1)), who=st.sampled_from(["wang", "li"]),
    holidays=st.sampled_from(["as-usual", "only", "not"]),
)  # fmt: skip
def test_what_is_written_is_read_again(starts_min, ends_min, order, days, first, who, holidays) -> None:
    shift = Shift(
        id="x", person=who, role="police", grids=("g017", "g1"), first=first, last=first, starts_min=starts_min,
        ends_min=ends_min, order=order, days=days, on_holidays=holidays,
    )  # fmt: skip
    shifts, complaints = read(write([shift], STAFF), STAFF)
    assert complaints == []
    assert [s for s in shifts if (s.person, s.days, s.order) != (who, days, order)] == []
    assert (shifts[0].starts_min, shifts[0].ends_min, shifts[0].on_holidays) == (starts_min, ends_min, holidays)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_whatever_text_is_read_or_complained_of(text: str) -> None:
    read(text, STAFF)
    shifts, complaints = read(HEAD + text, STAFF)
    assert all(complaint.line >= 1 and complaint.what and complaint.remedy for complaint in complaints)
    assert {shift.person for shift in shifts} <= {"wang", "li"}


def test_a_login_that_looks_like_a_formula_is_inert() -> None:
    evil = person('=HYPERLINK("x")')
    table = write(read(HEAD + ",".join(GOOD.values()), STAFF)[0], [])
    assert "wang" in table
    shift = Shift(
        id="x", person=evil.id, role="worker", grids=("g1",), first=date(2020, 1, 1), last=date(2020, 1, 1),
        starts_min=0, ends_min=60,
    )  # fmt: skip
    assert "'=HYPERLINK" in write([shift], [evil])

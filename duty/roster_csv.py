"""A roster as a table that a spreadsheet can keep: read with complaints by line, and written again.

Columns, in any order, by their English or Chinese heading: person 人员 · role 角色 · grids 网格 · first 开始日期 · last
结束日期 · days 星期 · from 上班 · until 下班 · order 顺序 · holidays 节假日.  Only the first four and the two times are
needed.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import TypeVar

import msgspec

from devices.places import is_grid
from duty.people import Person
from duty.roster import ALL_DAYS, DAY_MIN, OnHolidays, Shift

_T = TypeVar("_T")

MOST_ROWS = 20_000

COLUMNS = {
    "person": "人员",
    "role": "角色",
    "grids": "网格",
    "first": "开始日期",
    "last": "结束日期",
    "days": "星期",
    "from": "上班",
    "until": "下班",
    "order": "顺序",
    "holidays": "节假日",
}
NEEDED = ("person", "role", "grids", "first", "from", "until")

ROLE_WORDS = {
    "worker": "worker", "社区工作者": "worker", "社工": "worker", "police": "police", "民警": "police",
    "doctor": "doctor", "医生": "doctor", "guard": "guard", "值守": "guard",
    "supervisor": "supervisor", "街道": "supervisor",
}  # fmt: skip
HOLIDAY_WORDS: dict[str, OnHolidays] = {
    "": "as-usual", "as-usual": "as-usual", "照常": "as-usual", "only": "only", "仅": "only", "仅节假日": "only",
    "not": "not", "不": "not", "休": "not",
}  # fmt: skip
_DAYS = {name: number for names in ("mon tue wed thu fri sat sun", "1 2 3 4 5 6 7", "一 二 三 四 五 六 日")
         for number, name in enumerate(names.split())}  # fmt: skip
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?\Z")
_CLOCK = re.compile(r"(\d{1,2})[:：](\d{2})\Z")


class LineComplaint(msgspec.Struct, frozen=True):
    """One mistake: the line of the file (from 1), the column, what is wrong and what to write instead."""

    line: int
    column: str
    what: str
    remedy: str


class _WrongCell(ValueError):
    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def decode(data: bytes) -> str:
    """The text of a file from a spreadsheet: UTF-8 with or without a mark, else GB 18030 as Chinese Excel writes it.

    Raises ValueError when it is neither.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030")


def read(text: str, people: Iterable[Person]) -> tuple[list[Shift], list[LineComplaint]]:
    """The shifts of the table, and a complaint for every line that holds none.  Import nothing while there are any.

    `people` are looked up by login; a shift's id is made of its content, so that the same file read twice is the same.
    """
    logins = {person.login: person for person in people}
    rows = csv.reader(io.StringIO(text, newline=""))
    shifts: list[Shift] = []
    complaints: list[LineComplaint] = []
    heading: dict[str, int] | None = None
    try:
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            if heading is None:
                heading = _heading(cells)
                missing = [name for name in NEEDED if name not in heading]
                if missing:
                    names = ", ".join(f"{name} ({COLUMNS[name]})" for name in missing)
                    return [], [LineComplaint(rows.line_num, "", f"no column {names}", "name it in the first line")]
                continue
            if len(shifts) + len(complaints) >= MOST_ROWS:
                complaints.append(LineComplaint(rows.line_num, "", f"more than {MOST_ROWS} rows", "split the file"))
                break
            row = {name: cells[at].strip() if at < len(cells) else "" for name, at in heading.items()}
            shift = _shift(row, rows.line_num, logins, complaints)
            if shift is not None:
                shifts.append(shift)
    except csv.Error as error:
        complaints.append(LineComplaint(rows.line_num, "", f"not a line of a table: {error}", "save it as CSV again"))
    if heading is None and not complaints:
        complaints.append(LineComplaint(1, "", "the file is empty", "begin with a line of column names"))
    return shifts, complaints


def write(shifts: Iterable[Shift], people: Iterable[Person]) -> str:
    """The table of `shifts`, which `read` reads again."""
    logins = {person.id: person.login for person in people}
    out = io.StringIO(newline="")
    table = csv.writer(out)
    table.writerow(COLUMNS)
    for shift in shifts:
        table.writerow(
            _inert(cell)
            for cell in (
                logins.get(shift.person, shift.person),
                shift.role,
                " ".join(shift.grids),
                shift.first.isoformat(),
                shift.last.isoformat(),
                "" if shift.days == ALL_DAYS else " ".join(str(day + 1) for day in shift.days),
                _clock_text(shift.starts_min),
                _clock_text(shift.ends_min),
                str(shift.order),
                "" if shift.on_holidays == "as-usual" else shift.on_holidays,
            )
        )
    return out.getvalue()


def _inert(cell: str) -> str:
    # A spreadsheet takes these as the beginning of a formula.
    return "'" + cell if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _heading(cells: list[str]) -> dict[str, int]:
    names = {name: name for name in COLUMNS} | {chinese: name for name, chinese in COLUMNS.items()}
    found: dict[str, int] = {}
    for at, cell in enumerate(cells):
        name = names.get(cell.strip().lower())
        if name is not None:
            found.setdefault(name, at)
    return found


def _shift(row: dict[str, str], line: int, logins: dict[str, Person], complaints: list[LineComplaint]) -> Shift | None:
    before = len(complaints)

    def cell(column: str, parse: Callable[[str], _T], otherwise: _T) -> _T:
        try:
            return parse(row.get(column, ""))
        except _WrongCell as wrong:
            complaints.append(LineComplaint(line, column, wrong.what, wrong.remedy))
            return otherwise

    def known(text: str) -> Person | None:
        return _person(text, logins)

    person = cell("person", known, None)
    role = cell("role", _role, "")
    grids = cell("grids", _grids, ("",))
    first = cell("first", _date, date.min)
    last = cell("last", _date, first) if row.get("last") else first
    days = cell("days", _days, ALL_DAYS)
    starts_min = cell("from", _clock, 0)
    ends_min = cell("until", _clock, 0)
    order = cell("order", _order, 1)
    as_usual: OnHolidays = "as-usual"
    on_holidays: OnHolidays = cell("holidays", _holidays, as_usual)
    if len(complaints) == before and last < first:
        complaints.append(LineComplaint(line, "last", f"{last} is before {first}", "put the later date here"))
    if len(complaints) == before and starts_min == DAY_MIN:
        complaints.append(LineComplaint(line, "from", "a day begins at 00:00", "write 00:00"))
    if len(complaints) > before or person is None:
        return None
    what = (person.login, role, *grids, first.isoformat(), last.isoformat(), _clock_text(starts_min), str(order), days)
    return Shift(
        id="csv:" + "/".join(str(part) for part in what),
        person=person.id,
        role=role,
        grids=grids,
        first=first,
        last=last,
        starts_min=starts_min,
        ends_min=ends_min,
        days=days,
        order=order,
        on_holidays=on_holidays,
    )


def _person(text: str, logins: dict[str, Person]) -> Person:
    person = logins.get(text)
    if person is None:
        raise _WrongCell(f"there is no login {text[:40]!r}" if text else "no person", "use a login of the staff list")
    return person


def _role(text: str) -> str:
    role = ROLE_WORDS.get(text.lower())
    if role is None:
        raise _WrongCell(f"there is no role {text[:20]!r}", "one of worker, police, doctor, guard, supervisor")
    return role


def _grids(text: str) -> tuple[str, ...]:
    grids = tuple(dict.fromkeys(re.split(r"[\s;,；，、]+", text.strip()))) if text.strip() else ()
    wrong = [grid for grid in grids if not is_grid(grid)]
    if wrong or not grids:
        what = f"{wrong[0][:40]!r} is no grid" if wrong else "no grid"
        raise _WrongCell(what, "grids like g017, with blanks between")
    return grids


def _date(text: str) -> date:
    found = _DATE.match(text)
    try:
        if found:
            return date(*(int(part) for part in found.groups()))
    except ValueError:
        raise _WrongCell(f"there is no day {text}", "a date like 2020-02-16") from None
    raise _WrongCell(f"{text[:20]!r} is no date", "a date like 2020-02-16")


def _clock(text: str) -> int:
    found = _CLOCK.match(text)
    if found:
        minute = int(found[1]) * 60 + int(found[2])
        if int(found[2]) < 60 and minute <= DAY_MIN:
            return minute
    raise _WrongCell(f"{text[:20]!r} is no time of day", "a time like 20:00")


def _clock_text(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _days(text: str) -> tuple[int, ...]:
    text = text.lower().replace("周", "").replace("星期", "")
    if text in ("", "每天", "all"):
        return ALL_DAYS
    parts: list[str] = re.findall(r"mon|tue|wed|thu|fri|sat|sun|[1-7一二三四五六日]|-|至|to", text)
    rest = re.sub(r"mon|tue|wed|thu|fri|sat|sun|[1-7一二三四五六日]|-|至|to|[\s,，、;]", "", text)
    days: set[int] = set()
    number = 0
    while number < len(parts) and not rest:
        if parts[number] not in _DAYS:
            break
        first = _DAYS[parts[number]]
        if number + 2 < len(parts) and parts[number + 1] not in _DAYS and parts[number + 2] in _DAYS:
            last = _DAYS[parts[number + 2]]
            days |= {day % 7 for day in range(first, last + 1 if last >= first else last + 8)}
            number += 3
        else:
            days.add(first)
            number += 1
    if rest or number < len(parts) or not days:
        raise _WrongCell(f"{text[:20]!r} are no days", "days like 1-5, or mon wed, or 一三五; nothing for every day")
    return tuple(sorted(days))


def _order(text: str) -> int:
    if not text:
        return 1
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 9:
        return int(text)
    raise _WrongCell(f"{text[:20]!r} is no order", "1 is called first, 2 next, up to 9")


def _holidays(text: str) -> OnHolidays:
    found = HOLIDAY_WORDS.get(text.lower())
    if found is None:
        raise _WrongCell(f"{text[:20]!r} says nothing about holidays", "as-usual, only or not")
    return found

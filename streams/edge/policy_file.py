"""The policy file: TOML → `Policy`, with file, line and remedy for every mistake, above all for one that would silence.

A row left out takes the default of `deploy/policy.toml`, so that a site's file holds only what it changes.
"""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from devices.edge.complaints import Collector, Complaint, did_you_mean
from devices.edge.toml_lines import TomlFile, read_toml
from streams.commands import ROLES, parse_clock_min
from streams.policy import KINDS, Ladder, Policy, Rung, Window

# Policy field → (table, key, least, most).  Least and most are what keeps a row from silencing a rule.
NUMBERS: dict[str, tuple[str, str, float, float]] = {
    "opening_cleared_min": ("doors", "opening_cleared_min", 0, 1440),
    "left_open_min": ("doors", "left_open_min", 0.1, 240),
    "left_open_least_min": ("doors", "left_open_least_min", 0, 60),
    "late_s": ("doors", "late_s", 1, 86_400),
    "late_page_only_min": ("doors", "late_page_only_min", 1, 1440),
    "chatter_toggles": ("doors", "chatter_toggles", 2, 100),
    "chatter_within_min": ("doors", "chatter_within_min", 0.1, 60),
    "chatter_quiet_min": ("doors", "chatter_quiet_min", 1, 1440),
    "resident_declares_min": ("declarations", "resident_most_min", 0, 240),
    "worker_declares_min": ("declarations", "worker_most_min", 0, 1440),
    "declared_late_min": ("declarations", "late_min", 0, 240),
    "declarations_shown_after": ("declarations", "shown_after_per_day", 0, 100),
    "silent_intervals": ("sensors", "silent_intervals", 1, 20),
    "silent_least_min": ("sensors", "silent_least_min", 0.1, 1440),
    "offline_min": ("sensors", "offline_min", 0, 1440),
    "unproven_h": ("sensors", "unproven_h", 0.1, 168),
    "area_sensors": ("sensors", "area_sensors", 2, 1000),
    "area_share": ("sensors", "area_share", 0.01, 1),
    "area_least": ("sensors", "area_least", 2, 1000),
    "area_heard_share": ("sensors", "area_heard_share", 0.01, 1),
    "battery_low_percent": ("sensors", "battery_low_percent", 1, 99),
    "battery_well_percent": ("sensors", "battery_well_percent", 1, 99),
    "plausible_low_celsius": ("readings", "plausible_low_celsius", 30, 36),
    "plausible_high_celsius": ("readings", "plausible_high_celsius", 40, 46),
    "ambient_low_celsius": ("readings", "ambient_low_celsius", -60, 30),
    "ambient_high_celsius": ("readings", "ambient_high_celsius", 20, 70),
    "fever_at_once_celsius": ("readings", "fever_at_once_celsius", 37.3, 42),
    "confirm_celsius": ("readings", "confirm_celsius", 36, 42),
    "reading_window_min": ("readings", "window_min", 1, 120),
    "same_person_s": ("readings", "same_person_s", 0, 600),
    "suspicion_closes_min": ("readings", "suspicion_closes_min", 1, 1440),
    "cluster_subjects": ("readings", "cluster_subjects", 2, 100),
    "cluster_within_h": ("readings", "cluster_within_h", 1, 336),
    "call_late_min": ("rounds", "call_late_min", 0, 720),
    "acknowledgement_min": ("people", "acknowledgement_min", 1, 1440),
    "not_closed_min": ("people", "not_closed_min", 1, 1440),
    "mute_most_min": ("people", "mute_most_min", 0, 240),
    "snooze_most_min": ("people", "snooze_most_min", 0, 1440),
    "clock_ahead_s": ("clocks", "ahead_s", 1, 3600),
    "clock_behind_h": ("clocks", "behind_h", 1, 48),
    "clock_window_h": ("clocks", "window_h", 1, 168),
    "clock_agree_s": ("clocks", "agree_s", 1, 3600),
    "clock_messages": ("clocks", "messages", 2, 100),
    "clock_apart_s": ("clocks", "apart_s", 0, 3600),
}
WHOLE = frozenset({"chatter_toggles", "declarations_shown_after", "area_sensors", "area_least", "cluster_subjects",
                   "clock_messages"})  # fmt: skip
SITES = {"axilla": "axilla", "ear": "ear", "forehead": "forehead", "wrist": "wrist", "neck": "neck", "not_said": ""}
TABLES = {"time_zone", "ladder", "permitted", "limits_celsius", "rounds"} | {row[0] for row in NUMBERS.values()}
LADDER_KEYS = {"page", "steps", "hours", "hold_s"}
STEP_KEYS = {"roles", "after_min", "openings", "within_min"}
LIMIT_LEAST, LIMIT_MOST = 35.5, 39.0


def default_path() -> Path:
    """`deploy/policy.toml`."""
    return Path(__file__).resolve().parents[2] / "deploy" / "policy.toml"


def load(path: str | Path | None = None) -> Policy:
    """The policy of `path`, rows it leaves out taken from the default.  Raises Complaint with every mistake."""
    default = read_toml(default_path())
    own = default if path is None or Path(path).resolve() == default_path() else read_toml(path)
    return _Reader(own, default.data).policy()


class _Reader:
    def __init__(self, own: TomlFile, default: dict[str, Any]) -> None:
        self.own = own
        self.default = default
        self.complaints = Collector(own.file)

    def complain(self, what: str, remedy: str, *path: str | int) -> None:
        self.complaints.add(self.own.line(*path), what, remedy)

    def table(self, name: str) -> dict[str, Any]:
        """A table with the default's rows below its own."""
        own = self.own.data.get(name, {})
        if not isinstance(own, dict):
            self.complain(f"{name} must be a table", f"write [{name}] with its rows below", name)
            own = {}
        default = self.default.get(name, {})
        for key in own:
            if key not in default:
                self.complain(f"[{name}] has no row {key!r}", did_you_mean(key, list(default)), name, key)
        return {**default, **own}

    def number(self, table: str, key: str, value: Any, least: float, most: float, whole: bool) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or (whole and not isinstance(value, int)):
            kind = "a whole number" if whole else "a number"
            self.complain(f"{key} must be {kind}, not {value!r}", f"write {kind}", table, key)
            return least
        if not least <= value <= most:
            self.complain(f"{key} = {value} is outside {least:g} … {most:g}", "a value there would silence or flood",
                          table, key)  # fmt: skip
        return value

    def policy(self) -> Policy:
        for name in self.own.data:
            if name not in TABLES:
                self.complain(
                    f"there is no table or row {name!r} in a policy", did_you_mean(name, sorted(TABLES)), name
                )
        tables = {table: self.table(table) for table in sorted({row[0] for row in NUMBERS.values()})}
        numbers: dict[str, Any] = {}
        for field, (table, key, least, most) in NUMBERS.items():
            numbers[field] = self.number(table, key, tables[table].get(key), least, most, field in WHOLE)
        limits = self.limits(numbers)
        rounds = self.table("rounds")
        morning, afternoon = self.clock(rounds, "morning_visit_by"), self.clock(rounds, "afternoon_visit_by")
        if morning >= afternoon:
            self.complain("the morning visit is due after the afternoon one", "put them in order", "rounds")
        self.pairs(numbers)
        zone, ladders, permitted = self.zone(), self.ladders(), self.permitted()
        self.complaints.done()
        return Policy(
            zone=zone, ladders=ladders, permitted=permitted, limits_celsius=limits,
            visit_morning_min=morning, visit_afternoon_min=afternoon, **numbers,
        )  # fmt: skip

    def pairs(self, numbers: dict[str, Any]) -> None:
        """Rows that only make sense one above the other."""
        for low, high, table in (
            ("battery_low_percent", "battery_well_percent", "sensors"),
            ("ambient_low_celsius", "ambient_high_celsius", "readings"),
            ("area_least", "area_sensors", "sensors"),
        ):
            if numbers[low] > numbers[high]:
                key = NUMBERS[high][1]
                self.complain(f"{key} = {numbers[high]} is below {NUMBERS[low][1]} = {numbers[low]}", "put it above",
                              table, key)  # fmt: skip

    def zone(self) -> Any:
        name = self.own.data.get("time_zone", self.default["time_zone"])
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
            self.complain(f"there is no time zone {name!r}", "write one like Asia/Shanghai", "time_zone")
            return None

    def limits(self, numbers: dict[str, Any]) -> dict[str, float]:
        limits: dict[str, float] = {}
        for key, value in self.table("limits_celsius").items():
            if key in SITES:
                limits[SITES[key]] = self.number("limits_celsius", key, value, LIMIT_LEAST, LIMIT_MOST, False)
                if limits[SITES[key]] > numbers["fever_at_once_celsius"]:
                    self.complain(f"{key} = {value} is above fever_at_once_celsius", "put the limit below it",
                                  "limits_celsius", key)  # fmt: skip
        return limits

    def clock(self, table: dict[str, Any], key: str) -> int:
        try:
            return parse_clock_min(table.get(key))
        except ValueError as error:
            self.complain(f"{key}: {error}", 'write it as "12:00"', "rounds", key)
            return 0

    def ladders(self) -> dict[str, Ladder]:
        own = self.own.data.get("ladder", {})
        if not isinstance(own, dict):
            self.complain("ladder must be tables", "write [ladder.fever] with its rows below", "ladder")
            own = {}
        for kind in own:
            if kind not in KINDS:
                self.complain(f"there is no kind {kind!r}", did_you_mean(kind, list(KINDS)), "ladder", kind)
        ladders: dict[str, Ladder] = {}
        for kind in KINDS:
            row = own.get(kind, self.default["ladder"][kind])
            if not isinstance(row, dict):
                self.complain(f"ladder.{kind} must be a table", f"write [ladder.{kind}]", "ladder", kind)
                continue
            ladders[kind] = self.ladder(kind, row)
        return ladders

    def ladder(self, kind: str, row: dict[str, Any]) -> Ladder:
        at = ("ladder", kind)
        for key in row:
            if key not in LADDER_KEYS:
                self.complain(f"a ladder has no row {key!r}", did_you_mean(key, sorted(LADDER_KEYS)), *at, key)
        page = self.roles(row.get("page"), *at, "page")
        steps = row.get("steps", [])
        if not isinstance(steps, list):
            self.complain("steps must be a list", 'write steps = [{ roles = ["police"], after_min = 5 }]', *at, "steps")
            steps = []
        hold_s = row.get("hold_s", 0)
        if isinstance(hold_s, bool) or not isinstance(hold_s, int | float) or not 0 <= hold_s <= 600:
            self.complain(f"hold_s = {hold_s!r} is outside 0 … 600", "hold a page 10 minutes at most", *at, "hold_s")
            hold_s = 0
        hours = self.hours(row.get("hours"), kind, *at)
        return Ladder(page=page, steps=tuple(self.step(kind, s, *at) for s in steps), hours_min=hours, hold_s=hold_s)

    def roles(self, value: Any, *at: str | int) -> tuple[str, ...]:
        if not isinstance(value, list) or not value:
            self.complain("nobody is named: this would silence it", 'name at least one role, like ["worker"]', *at)
            return ("supervisor",)
        for role in value:
            if role not in ROLES:
                self.complain(f"there is no role {role!r}", did_you_mean(str(role), list(ROLES)), *at)
        if len(set(map(str, value))) != len(value):
            self.complain("a role is named twice", "name each once", *at)
        return tuple(str(role) for role in value)

    def step(self, kind: str, row: Any, *at: str | int) -> Rung:
        if not isinstance(row, dict):
            self.complain("a step must be a table", '{ roles = ["police"], after_min = 5 }', *at, "steps")
            return Rung(roles=("supervisor",))
        for key in row:
            if key not in STEP_KEYS:
                self.complain(f"a step has no {key!r}", did_you_mean(key, sorted(STEP_KEYS)), *at, "steps")
        roles = self.roles(row.get("roles"), *at, "steps")
        after, openings, within = row.get("after_min"), row.get("openings"), row.get("within_min")
        for name, value, most in (("after_min", after, 1440), ("within_min", within, 1440), ("openings", openings, 50)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)
                                      or not 0 <= value <= most):  # fmt: skip
                self.complain(f"{name} = {value!r} is outside 0 … {most}", "mend the number", *at, "steps")
                after, openings, within = 0, None, None
        if kind != "suspect-reading" and after is None and openings is None:
            self.complain("a step without after_min or openings never goes out", "add after_min", *at, "steps")
        if openings is not None and (within is None or kind != "undeclared-opening"):
            self.complain(
                "openings needs within_min, and belongs to undeclared-opening", "add within_min", *at, "steps"
            )
        return Rung(roles=roles, after_min=after, openings=openings, within_min=within)

    def hours(self, value: Any, kind: str, *at: str | int) -> tuple[int, int] | None:
        if value is None:
            return None
        if kind not in ("low-battery", "chattering"):
            remedy = "remove hours: only maintenance items have them"
            self.complain(f"quiet hours would silence {kind} at night", remedy, *at, "hours")
        return self.span(value, "hours", *at)

    def span(self, value: Any, key: str, *at: str | int) -> tuple[int, int]:
        try:
            start, end = value
            pair = parse_clock_min(start), parse_clock_min(end)
        except (ValueError, TypeError):
            self.complain(f"{key} must be two times of day, not {value!r}", 'write ["08:00", "20:00"]', *at, key)
            return 0, 1439
        if pair[0] == pair[1]:
            self.complain(f"{key} begins and ends at {value[0]}", "write two different times", *at, key)
        return pair

    def permitted(self) -> tuple[Window, ...]:
        rows = self.own.data.get("permitted", self.default.get("permitted", []))
        windows: list[Window] = []
        for number, row in enumerate(rows if isinstance(rows, list) else []):
            at = ("permitted", number)
            unknown = [key for key in row if key not in ("from", "to", "grid")]
            for key in unknown:
                self.complain(f"a permitted window has no {key!r}", "from, to and grid", *at, key)
            start, end = self.span((row.get("from"), row.get("to")), "from … to", *at)
            if (end - start) % 1440 > 240:
                self.complain("a permitted window longer than 4 h would silence the door", "make it shorter", *at)
            windows.append(Window(from_min=start, to_min=end, grid=str(row.get("grid", ""))))
        return tuple(windows)


def complaints(path: str | Path | None) -> list[Complaint]:
    """Every mistake of a policy file; empty when it is good."""
    try:
        load(path)
    except Complaint as complaint:
        return complaint.each()
    return []

"""Decisions counted: per kind and role, per hour of the day, nights apart.  Two of them stand side by side."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, tzinfo

from streams.effects import Decision
from streams.policy import KINDS
from streams.trial import NIGHT, is_night

ROLES = ("worker", "police", "doctor", "guard", "supervisor")
_COUNTED = ("raised", "repeated", "matched", "cleared", "closed", "rejected")


class Summary:
    """Takes decisions one by one; holds counts only, however long the trace is."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self.decisions: Counter[tuple[str, str]] = Counter()  # (kind, decision)
        self.pages: Counter[tuple[str, str]] = Counter()  # (kind, role)
        self.night_pages: Counter[tuple[str, str]] = Counter()
        self.hours: Counter[tuple[str, int]] = Counter()  # (role, hour of the day)

    def add(self, decision: Decision) -> None:
        """Count one."""
        self.decisions[decision.kind or "-", decision.decision] += 1
        if decision.decision == "page":
            hour = datetime.fromtimestamp(decision.t_ms // 1000, self._zone).hour
            self.pages[decision.kind, decision.role] += 1
            self.hours[decision.role, hour] += 1
            if is_night(hour):
                self.night_pages[decision.kind, decision.role] += 1

    def text(self, against: "Summary | None" = None) -> str:
        """Tables to read.  With `against` every cell is `this → that` where they differ."""
        both = [self] if against is None else [self, against]
        kinds = [k for k in (*KINDS, "-") if any(key[0] == k for s in both for key in s.decisions)]
        roles = [r for r in ROLES if any(key[1] == r for s in both for key in s.pages)]
        counted = [c for c in _COUNTED if any(key[1] == c for s in both for key in s.decisions)]
        parts = [
            _table(
                "decisions",
                counted,
                [(kind, [[s.decisions[kind, column] for s in both] for column in counted]) for kind in kinds],
            ),
            _table("pages", roles, [(k, [[s.pages[k, r] for s in both] for r in roles]) for k in kinds if k != "-"]),
            _table(
                f"pages at night ({NIGHT[0]}:00-{NIGHT[1]:02d}:00)",
                roles,
                [(k, [[s.night_pages[k, r] for s in both] for r in roles]) for k in kinds if k != "-"],
            ),
            _table(
                "pages by hour",
                roles,
                [(f"{hour:02d}:00", [[s.hours[r, hour] for s in both] for r in roles]) for hour in range(24)],
            ),
        ]
        return "\n".join(part for part in parts if part)


def _cell(values: list[int]) -> str:
    if len(set(values)) == 1:
        return str(values[0]) if values[0] else "."
    return " → ".join(str(value) for value in values)


def _table(title: str, columns: list[str], rows: Iterable[tuple[str, list[list[int]]]]) -> str:
    """Rows of only zeros are left out; a sum below; "" when nothing is left."""
    told = [(name, cells) for name, cells in rows if any(value for cell in cells for value in cell)]
    if not told:
        return ""
    sums = [[sum(values) for values in zip(*(cells[n] for _, cells in told), strict=True)] for n in range(len(columns))]
    lines = [[title, *columns], *([name, *(_cell(c) for c in cells)] for name, cells in told)]
    lines.append(["together", *(_cell(values) for values in sums)])
    widths = [max(len(line[n]) for line in lines) for n in range(len(columns) + 1)]
    return "".join(
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]) + "\n"
        for line in lines
    )

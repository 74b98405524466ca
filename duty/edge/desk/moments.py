"""Times and durations as people read them, in the site's zone."""

from datetime import UTC, datetime, tzinfo

from duty.edge.desk.texts import Language, text

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Moments:
    """Says times for one reader: their language, the site's zone, and what is now."""

    language: Language

    def __init__(self, language: Language, zone: tzinfo, now_ms: int) -> None:
        self.language: Language = language
        self.zone = zone
        self.now_ms = now_ms
        self._today = self.local(now_ms).date()

    def local(self, at_ms: int) -> datetime:
        return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(self.zone)

    def clock(self, at_ms: int | None, *, seconds: bool = False) -> str:
        """`02:10`, with the day where it is not today's."""
        if at_ms is None:
            return "—"
        moment = self.local(at_ms)
        time = f"{moment:%H:%M:%S}" if seconds else f"{moment:%H:%M}"
        return time if moment.date() == self._today else f"{self.day(at_ms)} {time}"

    def day(self, at_ms: int) -> str:
        """`2月16日` or `16 Feb`; with the year where it is not this one."""
        moment = self.local(at_ms)
        if self.language == "zh":
            said = f"{moment.month}月{moment.day}日"
            return said if moment.year == self._today.year else f"{moment.year}年{said}"
        said = f"{moment.day} {_MONTHS[moment.month - 1]}"
        return said if moment.year == self._today.year else f"{said} {moment.year}"

    def weekday(self, at_ms: int) -> str:
        return text(f"common.weekday_{self.local(at_ms).weekday()}", self.language)

    def full(self, at_ms: int | None) -> str:
        """Day and time, always both."""
        return "—" if at_ms is None else f"{self.day(at_ms)} {self.local(at_ms):%H:%M}"

    def iso(self, at_ms: int) -> str:
        return self.local(at_ms).isoformat(timespec="seconds")

    def long(self, span_ms: int | None) -> str:
        """A duration in its two largest units."""
        if span_ms is None:
            return "—"
        seconds = max(0, span_ms) // 1000
        if seconds < 60:
            return text("common.seconds", self.language, s=seconds)
        minutes = seconds // 60
        if minutes < 60:
            return text("common.minutes", self.language, m=minutes)
        hours, minutes = divmod(minutes, 60)
        if hours < 24:
            key = "common.hours_minutes" if minutes else "common.hours"
            return text(key, self.language, h=hours, m=minutes)
        days, hours = divmod(hours, 24)
        return text("common.days_hours" if hours else "common.days", self.language, d=days, h=hours)

    def short(self, span_ms: float | None) -> str:
        """A latency: milliseconds below ten seconds, else as `long`."""
        if span_ms is None:
            return "—"
        if span_ms < 10_000:
            return text("common.milliseconds", self.language, ms=round(span_ms))
        return self.long(round(span_ms))

    def day_start_ms(self, at_ms: int, days_back: int = 0) -> int:
        """Midnight of the day of `at_ms`, `days_back` days before."""
        midnight = self.local(at_ms).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        # Through the ordinal, so that a day of 23 or 25 hours is one day all the same.
        day = datetime.fromordinal(midnight.toordinal() - days_back).replace(tzinfo=self.zone)
        return round(day.timestamp() * 1000)

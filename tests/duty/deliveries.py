"""A page on its way, played by a clock: the machine, and channels that answer as a test says."""

from collections.abc import Callable

from duty.attempts import Outcome
from duty.delivery import Delivery, Send, Whom, advance, answered, begin, closed, resulted, wake_at
from duty.picture import Page, page_of
from duty.telling import Telling
from tests.duty.effects import page as page_decision

ROWS = Telling()
TEAM = Whom(
    on_duty=("wang", "li"),
    supervisors=("boss",),
    channels={"wang": ("w-robot", "w-sms"), "li": ("l-robot",), "boss": ("b-sms",)},
)

Answer = tuple[Outcome, float | None]


def page(kind: str = "undeclared-opening", role: str = "worker") -> Page:
    return page_of(page_decision(0, role, kind=kind))


class Played:
    """`channels` maps a channel to what it answers: one outcome for ever, or a list used up one by one."""

    def __init__(
        self, channels: dict[str, object] | None = None, *, whom: Whom = TEAM, rows: Telling = ROWS, kind: str = "",
        role: str = "worker",
    ) -> None:  # fmt: skip
        self.channels = channels or {}
        self.whom = whom
        self.rows = rows
        self.now_s = 0.0
        self.sent: list[tuple[float, str, str]] = []
        self.sends: list[Send] = []
        self.answers: Callable[[Send], Answer | None] = self._answer
        self.delivery: Delivery = begin(page(kind or "undeclared-opening", role), 0, whom, rows)

    def _answer(self, send: Send) -> Answer | None:
        said = self.channels.get(send.channel, "accepted")
        if isinstance(said, list):
            said = said.pop(0) if len(said) > 1 else said[0]
        return said if isinstance(said, tuple) or said is None else (said, None)  # type: ignore[return-value]

    def until(self, end_s: float) -> "Played":
        """Let time pass to `end_s`, doing whatever comes due."""
        while True:
            due_ms = wake_at(self.delivery, self.rows)
            if due_ms is None or due_ms > end_s * 1000:
                self.now_s = end_s
                return self
            self.now_s = max(self.now_s, due_ms / 1000)
            now_ms = round(self.now_s * 1000)
            self.delivery, sends = advance(self.delivery, now_ms, self.whom, self.rows)
            for send in sends:
                self.sends.append(send)
                self.sent.append((self.now_s, send.person, send.channel))
                answer = self.answers(send)
                if answer is not None:
                    self.delivery = resulted(
                        self.delivery, send.attempt, answer[0], now_ms, self.rows, retry_after_s=answer[1]
                    )

    def answered(self) -> "Played":
        self.delivery = answered(self.delivery, round(self.now_s * 1000))
        return self

    def closed(self) -> "Played":
        self.delivery = closed(self.delivery, round(self.now_s * 1000))
        return self

    @property
    def words(self) -> list[str]:
        return [note.word for note in self.delivery.notes]

"""The outside watchdog: on another machine, it asks the desk how it is and tells people when the box is dead.

    python -m duty.edge.watchdog WATCHDOG.toml

    url = "https://desk.example.org/health"
    site = "阳光小区"
    language = "zh"
    [[channel]]
    kind = "wecom"
    target = "https://…"

It shares nothing with the box but the network: no database, no key, no log.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from devices.edge.complaints import Collector, Complaint, did_you_mean
from devices.edge.toml_lines import TomlFile, read_toml
from duty.edge.channels import carrier
from duty.edge.channels.base import Message, Tools
from duty.message import Text
from duty.people import CHANNEL_KINDS, Channel, Language
from duty.watch import Watch, Word, looked, not_told

EVERY_S = 20.0
_KEYS = ("url", "site", "language", "every_s", "dead_after_s", "channel")
_CHANNEL_KEYS = ("kind", "target", "secret", "options")
# Those that need nothing of the box.
KINDS = tuple(kind for kind in CHANNEL_KINDS if kind not in ("desk", "siren"))

_TEXTS: dict[tuple[Word, Language], str] = {
    ("dead", "zh"): "值班系统没有响应，自 {since} 起。请立即查看机器，并人工值守。",
    ("dead", "en"): "The duty system has not answered since {since}. Look at the machine now and stand watch by hand.",
    ("still-dead", "zh"): "值班系统仍没有响应，自 {since} 起。",
    ("still-dead", "en"): "The duty system still does not answer, since {since}.",
    ("back", "zh"): "值班系统已恢复。中断自 {since} 起。",
    ("back", "en"): "The duty system is back. It was gone since {since}.",
}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The watchdog's own file."""

    url: str
    channels: tuple[Channel, ...]
    site: str = "Threshold"
    language: Language = "zh"
    every_s: float = EVERY_S
    dead_after_s: float = 180


def settings_of(file: TomlFile) -> Settings:
    """The settings in a file.  Raises Complaint."""
    into = Collector(file.file)
    data = file.data
    for key in data:
        if key not in _KEYS:
            into.add(file.line(key), f"there is no key {key!r}", did_you_mean(key, _KEYS))
    url = data.get("url")
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        into.add(file.line("url"), "url must be the desk's address", 'as url = "https://desk.example.org/health"')
    if data.get("language", "zh") not in ("zh", "en"):
        into.add(file.line("language"), "language must be zh or en")
    for key in ("every_s", "dead_after_s"):
        value = data.get(key, 60)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= 3600:
            into.add(file.line(key), f"{key} must lie between 1 and 3600")
    rows = data.get("channel", [])
    channels: list[Channel] = []
    for number, row in enumerate(rows if isinstance(rows, list) else []):
        channels += _channel(file, into, number, row)
    if not rows:
        into.add(0, "there is no [[channel]]: nobody would be told", "add at least one")
    into.done()
    return Settings(
        url=str(url),
        channels=tuple(channels),
        site=str(data.get("site", "Threshold")),
        language=data.get("language", "zh"),
        every_s=float(data.get("every_s", EVERY_S)),
        dead_after_s=float(data.get("dead_after_s", 180)),
    )


def _channel(file: TomlFile, into: Collector, number: int, row: Any) -> list[Channel]:
    line = file.line("channel", number)
    if not isinstance(row, dict):
        into.add(line, "a channel is a table", "write it under [[channel]]")
        return []
    for key in row:
        if key not in _CHANNEL_KEYS:
            into.add(file.line("channel", number, key), f"there is no key {key!r}", did_you_mean(key, _CHANNEL_KEYS))
    if row.get("kind") not in KINDS:
        into.add(file.line("channel", number, "kind"), f"kind must be one of {', '.join(KINDS)}")
        return []
    options = row.get("options", {})
    texts = [row.get("target", ""), row.get("secret", ""), *(options.values() if isinstance(options, dict) else [None])]
    if not all(isinstance(text, str) for text in texts):
        into.add(line, "target, secret and options must be texts")
        return []
    return [
        Channel(
            id=f"watchdog-{number}",
            person="",
            order=number + 1,
            kind=row["kind"],
            target=row.get("target", ""),
            secret=row.get("secret", ""),
            options=options,
        )
    ]


class Watchdog:
    """Looks, and tells every channel when there is something to tell."""

    def __init__(self, settings: Settings, *, clock_ms: Callable[[], int], say: Callable[[str], None]) -> None:
        self._settings = settings
        self._clock_ms = clock_ms
        self._say = say
        self._tools = Tools(clock_ms=clock_ms)
        self.watch = Watch(clock_ms())

    async def is_well(self) -> bool:
        """Whether the desk says that it is well."""
        import httpx

        try:
            async with asyncio.timeout(10):
                answer = await self._tools.client.get(self._settings.url)
                return answer.status_code == 200 and answer.json().get("well") is True
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, AttributeError):
            return False

    async def look(self) -> Word | None:
        """One look; what was told."""
        well = await self.is_well()
        since_ms = self.watch.good_ms
        dead_after_ms = round(self._settings.dead_after_s * 1000)
        self.watch, word = looked(self.watch, well, self._clock_ms(), dead_after_ms=dead_after_ms)
        if word is not None and not await self._tell(word, since_ms) and word != "back":
            self.watch = not_told(self.watch)
        return word

    async def _tell(self, word: Word, since_ms: int) -> bool:
        """Tell every channel; whether one of them took it."""
        since = datetime.fromtimestamp(since_ms // 1000, UTC).astimezone().strftime("%m-%d %H:%M")
        sentence = _TEXTS[word, self._settings.language].format(since=since)
        self._say(sentence)
        text = Text(title=f"【{self._settings.site}】{sentence}", urgent=word != "back")
        message = Message(id=f"watchdog-{word}-{since_ms}", text=text)
        sends = [carrier(one.kind, self._tools).send(one, message) for one in self._settings.channels]
        answers = await asyncio.gather(*sends)
        for one, answer in zip(self._settings.channels, answers, strict=True):
            if answer.outcome not in ("accepted", "unknown"):
                self._say(f"{one.kind}: {answer.outcome}: {answer.detail}")
        return any(answer.outcome in ("accepted", "unknown") for answer in answers)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(self._settings.every_s)

    async def close(self) -> None:
        """Give everything back."""
        await self._tools.close()


def main(config: str | Path) -> int:
    """Run until it is told to stop; the exit code."""
    try:
        settings = settings_of(read_toml(config))
    except Complaint as error:
        print(f"watchdog: {error}", file=sys.stderr)
        return 2
    asyncio.run(_run(settings))
    return 0


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    dog = Watchdog(
        settings,
        clock_ms=lambda: time.time_ns() // 1_000_000,
        say=lambda text: print(f"watchdog: {text}", file=sys.stderr, flush=True),
    )
    running = asyncio.create_task(dog.run())
    print(f"watchdog ready: {settings.url}", flush=True)
    await stop.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await dog.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 else "usage: python -m duty.edge.watchdog WATCHDOG.toml")

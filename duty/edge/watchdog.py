"""The outside watchdog: on another machine, it asks the desk how it is and tells people when the box is dead.

    ./threshold watchdog --config watchdog.toml            (deploy/watchdog.toml is one to begin with)
    ./threshold watchdog --config watchdog.toml --test     one message to every channel, then it ends

It shares nothing with the box but the network: no database, no key, no log.  A box that does not answer, answers
wrongly, or says of itself that it is not well, is dead when it has been so for three minutes.
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
_TRIAL: dict[Language, str] = {
    "zh": "值班系统外部看护：测试消息，无需处理。",
    "en": "Outside watch of the duty system: a test, nothing needs doing.",
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

        client = self._tools.client  # to make it takes a moment, which is not the desk's
        try:
            async with asyncio.timeout(10):
                answer = await client.get(self._settings.url)
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
        sentence = _TEXTS[word, self._settings.language].format(since=_moment(since_ms))
        return await self._send(sentence, f"watchdog-{word}-{since_ms}", urgent=word != "back")

    async def try_channels(self) -> bool:
        """One message to every channel; whether one of them took it."""
        return await self._send(_TRIAL[self._settings.language], f"watchdog-test-{self._clock_ms()}", urgent=False)

    async def _send(self, sentence: str, id: str, *, urgent: bool) -> bool:
        self._say(sentence)
        message = Message(id=id, text=Text(title=f"【{self._settings.site}】{sentence}", urgent=urgent))
        sends = [carrier(one.kind, self._tools).send(one, message) for one in self._settings.channels]
        answers = await asyncio.gather(*sends)
        for one, answer in zip(self._settings.channels, answers, strict=True):
            self._say(": ".join(part for part in (one.kind, answer.outcome, answer.detail) if part))
        return any(answer.outcome in ("accepted", "unknown") for answer in answers)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(self._settings.every_s)

    async def close(self) -> None:
        """Give everything back."""
        await self._tools.close()


def _moment(ms: int) -> str:
    """A time by this machine's clock, with its zone: whoever reads it may be in another."""
    local = datetime.fromtimestamp(ms // 1000, UTC).astimezone()
    zone = local.strftime("%z")
    return f"{local:%m-%d %H:%M:%S} (UTC{zone[:3]}:{zone[3:5]})"


def main(config: str | Path, *, test: bool = False) -> int:
    """Run until it is told to stop, or only try the channels; the exit code."""
    try:
        settings = settings_of(read_toml(config))
    except Complaint as error:
        print(f"watchdog: {error}", file=sys.stderr)
        return 2
    return asyncio.run(_try(settings) if test else _run(settings))


def _dog(settings: Settings) -> Watchdog:
    return Watchdog(
        settings,
        clock_ms=lambda: time.time_ns() // 1_000_000,
        say=lambda text: print(f"watchdog: {text}", file=sys.stderr, flush=True),
    )


async def _try(settings: Settings) -> int:
    dog = _dog(settings)
    well = await dog.is_well()
    print(f"watchdog: {settings.url} {'says that it is well' if well else 'does not say that it is well'}", flush=True)
    told = await dog.try_channels()
    await dog.close()
    return 0 if told and well else 1


async def _run(settings: Settings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    dog = _dog(settings)
    running, stopping = asyncio.create_task(dog.run()), asyncio.create_task(stop.wait())
    print(f"watchdog ready: {settings.url}", flush=True)
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    fault = running.exception() if running.done() else None
    for task in (running, stopping):
        task.cancel()
    await asyncio.gather(running, stopping, return_exceptions=True)
    await dog.close()
    if fault is not None:
        raise fault  # rather an end that is seen than a process that watches nothing
    return 0

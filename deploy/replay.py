"""`./threshold replay`: the gateway's intake and the core over a trace, or a box's own log, with a virtual clock.

Decisions go to stdout as JSON Lines, in order, and nothing else does.
"""

import gc
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from deploy.box_log import BoxLog, ago_ms, opener
from deploy.incident_lines import moment_rows
from deploy.log_replay import LogReplay, Together, Watch
from deploy.summary import Summary
from deploy.trace_file import Progress, lines
from deploy.trial_file import ReportFile
from devices.edge import fleet_file, settings
from devices.edge.complaints import Complaint
from devices.edge.settings import Settings
from devices.events import Message
from devices.fleet import Fleet
from devices.formats import table
from gateway.fleet_records import fleet_records
from gateway.intake import Intake
from streams.commands import parse_time_ms
from streams.edge import policy_file
from streams.edge.log import LogFull
from streams.effects import Decision, Effect
from streams.engine import Engine
from streams.frames import InboxRecord, RejectRecord
from streams.policy import Policy
from streams.replay import BadLine, Replay, decision_json, parse_line
from streams.trial import sense

# Changes are for a store, which a replay has not: dropped now and then, or they would be kept for the whole trace.
_FORGET_EVERY = 4096
CURRENT = "current"
_SHARES = 10_000
_json = msgspec.json.Encoder()


class Usage(ValueError):
    """Options that do not go together; the text says what to do."""


def main(
    trace: Path | None = None,
    fleet: Path | None = None,
    policy: Path | None = None,
    until: str | None = None,
    summary: bool = False,
    since: str | None = None,
    against: str | None = None,
    config: Path | None = None,
    report: Path | None = None,
    incident: str | None = None,
) -> int:
    """Print what was decided; 0, or 1 after a complaint about a file, a line or the options.

    With the settings of a site its own policy stands where none is named, and is what `--against current` means.
    """
    # What is remembered lives long and has no cycles: looking for some every 700 objects is a tenth of the time.
    gc.set_threshold(50_000, 20, 20)
    out = Output(summary)
    try:
        read = None if config is None else settings.load(config)
        if incident is not None:
            out.moments(_story(read, incident))
            return 0
        in_force = None if read is None else read.policy_path
        policies = [policy_file.load(policy or in_force)]
        if against is not None:
            policies.append(policy_file.load(in_force if against == CURRENT else Path(against)))
        until_ms = None if until is None else _time("--until", until)
        if since is None:
            effects = _of_trace(trace, fleet, policies, until_ms)
        elif read is None:
            raise Usage("--since reads a site's own log: say which one with --config")
        else:
            if report is not None and len(policies) == 1:
                raise Usage("--report compares two policies: name the other with --against")
            written = None if report is None else ReportFile(report, policies[1].zone)
            effects = _of_site(read, since, policies, until_ms, written)
        out.write(effects, policies, silent=report is not None and not summary)
    except (Complaint, Usage, LogFull) as problem:
        out.flush()
        print(problem, file=sys.stderr)
        return 1
    except BadLine as problem:
        out.flush()
        print(f"{trace}:{problem.line}: {problem.what}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read has seen enough (`| head`); Python would complain once more at the end.
        sys.stdout = None  # type: ignore[assignment]
        return 0
    except OSError as problem:
        out.flush()
        print(f"{problem.filename}: {problem.strerror}", file=sys.stderr)
        return 1
    return 0


def _story(read: Settings | None, incident: str) -> list[dict[str, Any]]:
    if read is None:
        raise Usage("--incident is told out of a site's own logs: say which one with --config")
    rows = moment_rows(read, incident)
    if not rows:
        raise Usage(f"--incident: nothing was decided about {incident!r}, or it is no longer kept")
    return rows


def _time(option: str, text: str) -> int:
    try:
        return parse_time_ms(text)
    except ValueError as problem:
        raise Usage(f"{option}: {problem}") from None


# Where effects come from: a list for each policy, each list about the same stretch of time.


def replay_of(fleet: Fleet, policy: Policy) -> Replay:
    """The core behind a gateway's intake for `fleet`."""
    formats = table()
    plausible = (policy.plausible_low_celsius, policy.plausible_high_celsius)
    intake = Intake(fleet, formats, plausible_celsius=plausible)

    def take(message: Message) -> tuple[Sequence[InboxRecord], Sequence[RejectRecord]]:
        taken = intake.take(message)
        return taken.events, taken.rejects

    return Replay(policy, take, lambda at_ms: intake.rows(fleet_records(fleet, formats, at_ms)), _expand(intake))


def _expand(intake: Intake) -> Any:
    return lambda command: list(intake.command(command))


def _of_trace(trace: Path | None, fleet: Path | None, policies: list[Policy], until_ms: int | None) -> Together:
    if trace is None or fleet is None:
        raise Usage("replay needs a trace and --fleet, or --since or --incident and --config")
    held = fleet_file.load(fleet)
    replays = [replay_of(held, policy) for policy in policies]
    return _fed(trace, replays, until_ms)


def _fed(trace: Path, replays: list[Replay], until_ms: int | None) -> Together:
    last_ms: int | None = None
    for number, raw in lines(trace):
        line = parse_line(number, raw)
        if until_ms is not None and line.t_ms > until_ms:
            break
        last_ms = line.t_ms if last_ms is None else max(last_ms, line.t_ms)
        yield [replay.feed(line) for replay in replays]
        if not number % _FORGET_EVERY:
            _forget([replay.engine for replay in replays])
    end_ms = until_ms if until_ms is not None else last_ms
    yield [replay.finish(end_ms) for replay in replays]
    if back := replays[0].backwards:
        print(f"note: {len(back)} lines are older than the line before them, first line {back[0]}", file=sys.stderr)


def _forget(engines: list[Engine]) -> None:
    for engine in engines:
        engine.take_changes()


def _of_site(
    read: Settings, since: str, policies: list[Policy], until_ms: int | None, report: "ReportFile | None"
) -> Together:
    fleet = fleet_file.load(read.fleet_path)
    log = BoxLog(opener(read, "inbox"), read.streams.partitions)
    try:
        since_ms = ago_ms(since, log.newest_ms() if until_ms is None else until_ms)
    except ValueError as problem:
        raise Usage(f"--since: {problem}") from None
    progress = Progress(_SHARES, "events")
    watch: Watch = lambda share, count: progress.at(round(share * _SHARES), count)  # noqa: E731
    heard = None
    if report is not None:
        watch, heard = report.watch(watch), report.comparison.heard
    replay = LogReplay(log, fleet, policies, since_ms, until_ms, heard=heard, watch=watch)
    try:
        for together in replay.effects():
            if report is not None:
                report.comparison.decided(*together)
            yield together
    finally:
        progress.done()
    if log.unreadable:
        print(f"note: {log.unreadable} frames of the log cannot be read, and were passed over", file=sys.stderr)
    if report is not None:
        report.done(since_ms, replay.until_ms, log.unreadable)


# Where they go.


class Output:
    """Decisions on stdout: as JSON Lines, only where two policies differ, or counted."""

    def __init__(self, summary: bool) -> None:
        self._summary = summary
        self._waiting: list[bytes] = []

    def write(self, effects: Together, policies: list[Policy], *, silent: bool = False) -> None:
        """All of it, flushed at the end; nothing where it is `silent`, because a report is written."""
        if silent:
            for _ in effects:
                pass
        elif self._summary:
            self._count(effects, policies)
        elif len(policies) == 1:
            self._print(effects, policies[0])
        else:
            self._differences(effects, policies)
        self.flush()

    def _print(self, effects: Together, policy: Policy) -> None:
        for [some] in effects:
            for decision in _decisions(some):
                self._put(decision_json(decision, policy))

    def _count(self, effects: Together, policies: list[Policy]) -> None:
        sums = [Summary(policy.zone) for policy in policies]
        for together in effects:
            for counted, some in zip(sums, together, strict=True):
                for decision in _decisions(some):
                    counted.add(decision)
        self._waiting.append(sums[0].text(*sums[1:]).encode())

    def _differences(self, effects: Together, policies: list[Policy]) -> None:
        """What only one of the two decides: `only` says which."""
        for ours, theirs in effects:
            known = [Counter(_sense(d) for d in _decisions(some)) for some in (ours, theirs)]
            rows: list[tuple[int, dict[str, Any]]] = []
            for n, (name, some) in enumerate((("policy", ours), ("against", theirs))):
                beyond = known[n] - known[1 - n]
                for decision in _decisions(some):
                    if beyond[_sense(decision)] > 0:
                        beyond[_sense(decision)] -= 1
                        rows.append((decision.t_ms, {"only": name, **decision_json(decision, policies[n])}))
            for _, row in sorted(rows, key=lambda r: r[0]):
                self._put(row)

    def moments(self, rows: Iterable[dict[str, Any]]) -> None:
        """An incident, moment by moment."""
        for row in rows:
            self._put(row)
        self.flush()

    def _put(self, row: dict[str, Any]) -> None:
        self._waiting.append(_json.encode(row) + b"\n")
        if len(self._waiting) >= 256:
            self.flush()

    def flush(self) -> None:
        """Hand over what is ready."""
        waiting, self._waiting = self._waiting, []
        sys.stdout.buffer.write(b"".join(waiting))
        sys.stdout.buffer.flush()


def _decisions(effects: Iterable[Effect]) -> Iterator[Decision]:
    return (effect for effect in effects if isinstance(effect, Decision))


def _sense(decision: Decision) -> tuple[Any, ...]:
    return (*sense(decision), decision.topic)

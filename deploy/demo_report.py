"""What came of a demonstration without a desk: counted, proved, printed, written."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from deploy import __version__
from deploy.live_compound import read_acked
from deploy.prove import prove
from deploy.usage import Usage
from devices.edge import fleet_file, settings
from streams.edge import policy_file

_SHOWN = 10


class ProcessUse(msgspec.Struct, frozen=True):
    """Of one process: its share of one core over the run, and the most memory it had (own: shared pages by share)."""

    cpu_s: float
    cpu_percent: float
    most_resident_mb: float
    most_own_mb: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    version: str
    seed: int
    households: int
    seconds: float
    ready_s: float
    sent: int
    acknowledged: int
    commands: int
    commands_accepted: int
    incidents: int
    incidents_by_kind: dict[str, int]
    pages: int
    pages_by_role: dict[str, int]
    pages_heard: int
    lost: int
    duplicated: int
    lost_what: list[str]
    duplicated_what: list[str]
    door_to_page_ms: dict[str, float | int | None]
    puback_ms: dict[str, float | int | None]
    processes: dict[str, ProcessUse]
    memory_mb: float  # of all processes, shared pages counted once
    resident_mb: float  # the same, shared pages counted in each process

    def is_sound(self) -> bool:
        """Nothing lost, nothing told twice, and everything that was sent acknowledged."""
        return self.lost == 0 and self.duplicated == 0 and self.sent == self.acknowledged > 0

    def text(self) -> str:
        """To read."""
        latency, puback = self.door_to_page_ms, self.puback_ms
        rows = [
            f"events sent          {self.sent}",
            f"events acknowledged  {self.acknowledged}",
            f"commands             {self.commands_accepted} of {self.commands}",
            f"incidents            {self.incidents}  ({_counts(self.incidents_by_kind)})",
            f"pages by role        {self.pages}  ({_counts(self.pages_by_role)}), {self.pages_heard} heard over MQTT",
            f"lost                 {self.lost}",
            *(f"  {what}" for what in self.lost_what[:_SHOWN]),
            f"duplicated           {self.duplicated}",
            *(f"  {what}" for what in self.duplicated_what[:_SHOWN]),
            f"door to page         p50 {latency['p50']} ms, p99 {latency['p99']} ms ({latency['count']} pages)",
            f"device to PUBACK     p50 {puback['p50']} ms, p99 {puback['p99']} ms",
            f"memory               {self.memory_mb:.0f} MB in all ({self.resident_mb:.0f} MB resident)",
            *(
                f"  {name:<12} {use.cpu_percent:5.1f} % of a core, {use.most_own_mb:5.1f} MB"
                for name, use in self.processes.items()
            ),
        ]
        return "\n".join(rows)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda row: -row[1])) or "none"


def account(
    folder: Path,
    *,
    stats: Mapping[str, Any],
    used: Mapping[str, Usage],
    most_mb: Mapping[str, tuple[float, float]],
    seconds: float,
    ready_s: float,
    households: int,
    seed: int,
) -> Report:
    """Prove the run in `folder` and put everything together."""
    read = settings.load(folder / "threshold.toml")
    proof = prove(
        read.data_path,
        fleet_file.load(read.fleet_path),
        policy_file.load(read.policy_path),
        read_acked(folder / "acked.bin"),
        partitions=read.streams.partitions,
    )
    processes = {
        name: ProcessUse(
            cpu_s=round(use.cpu_s, 2),
            cpu_percent=round(use.cpu_s / seconds * 100, 1),
            most_resident_mb=round(most_mb[name][0], 1),
            most_own_mb=round(most_mb[name][1], 1),
        )
        for name, use in used.items()
    }
    return Report(
        version=__version__,
        seed=seed,
        households=households,
        seconds=seconds,
        ready_s=round(ready_s, 2),
        sent=stats["sent"],
        acknowledged=stats["acknowledged"],
        commands=stats["commands"],
        commands_accepted=stats["commands_accepted"],
        incidents=sum(proof.incidents.values()),
        incidents_by_kind=proof.incidents,
        pages=sum(proof.pages.values()),
        pages_by_role=proof.pages,
        pages_heard=stats["pages"],
        lost=len(proof.lost),
        duplicated=len(proof.duplicated),
        lost_what=proof.lost[:100],
        duplicated_what=proof.duplicated[:100],
        door_to_page_ms=stats["door_to_page_ms"],
        puback_ms=stats["puback_ms"],
        processes=processes,
        resident_mb=round(sum(use.most_resident_mb for use in processes.values()), 1),
        memory_mb=round(sum(use.most_own_mb for use in processes.values()), 1),
    )


def write_report(report: Report, path: Path) -> None:
    """As JSON, whole or not at all."""
    new = path.with_name(path.name + ".new")
    new.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    new.replace(path)

"""The report of a policy's trial as a file, and beside it, while it is made, how far it is: a desk looks on."""

import os
import time
from datetime import tzinfo
from pathlib import Path

import msgspec

from deploy.log_replay import Watch
from streams.trial import Comparison, encode_report

_EVERY_S = 0.4


def progress_path(report: Path) -> Path:
    """Where the progress of a report stands until it is there."""
    return report.with_name(report.name + ".progress")


class ReportFile:
    """Gathers in `comparison`; `done` writes it all at once, so that whoever finds the file finds it whole."""

    def __init__(self, path: Path, zone: tzinfo) -> None:
        self.comparison = Comparison(zone)
        self._path = path
        self._began_s = time.monotonic()
        self._told_s = 0.0

    def watch(self, also: Watch) -> Watch:
        """A watch that writes the share down, and tells `also`."""

        def at(share: float, count: int) -> None:
            also(share, count)
            now_s = time.monotonic()
            if now_s - self._told_s >= _EVERY_S:
                self._told_s = now_s
                _replace(progress_path(self._path), msgspec.json.encode({"share": share, "records": count}))

        return at

    def done(self, since_ms: int, until_ms: int, unreadable: int) -> None:
        """Write the report.  Raises OSError."""
        took_s = round(time.monotonic() - self._began_s, 3)
        report = self.comparison.report(since_ms=since_ms, until_ms=until_ms, took_s=took_s, unreadable=unreadable)
        _replace(self._path, encode_report(report))
        progress_path(self._path).unlink(missing_ok=True)


def _replace(path: Path, data: bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(data)
    os.replace(fresh, path)

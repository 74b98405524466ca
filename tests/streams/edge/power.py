"""A disk that forgets what was not synced, as one does when the power goes.

Every write, truncation and sync of a database file is a point at which the power may go.  At each the disk hands over
what would be found afterwards: what was synced for certain; with everything written since (the process alone died); and
with the last write torn in half.
"""

from collections.abc import Callable
from pathlib import Path

import apsw

Image = dict[str, bytes]  # file name → its bytes
Seen = Callable[[str, Image], None]


class PowerDisk(apsw.VFS):
    """`seen(what, image)` is called with each picture of the disk that a power cut could leave."""

    def __init__(self, seen: Seen, name: str = "power") -> None:
        self.seen = seen
        self.synced: dict[str, bytearray] = {}
        self.written: dict[str, bytearray] = {}
        self.operations = 0
        super().__init__(name, base="unix")

    def xOpen(self, name, flags):  # noqa: N802 - SQLite's own name
        return PowerFile(self, name, flags)

    def xDelete(self, name, sync_dir):  # noqa: N802
        super().xDelete(name, sync_dir)
        self.synced.pop(Path(name).name, None)
        self.written.pop(Path(name).name, None)

    def point(self, torn: Image | None = None) -> None:
        self.operations += 1
        self.seen("synced", {name: bytes(data) for name, data in self.synced.items()})
        self.seen("written", {name: bytes(data) for name, data in self.written.items()})
        if torn is not None:
            self.seen("torn", torn)


class PowerFile(apsw.VFSFile):
    def __init__(self, disk: PowerDisk, name, flags) -> None:
        super().__init__("unix", name, flags)
        self.disk = disk
        self.file = Path(name.filename() if isinstance(name, apsw.URIFilename) else str(name)).name
        disk.written.setdefault(self.file, bytearray())
        disk.synced.setdefault(self.file, bytearray())

    def xWrite(self, data, offset):  # noqa: N802
        super().xWrite(data, offset)
        now = self.disk.written[self.file]
        half = bytearray(now)
        _put(half, bytes(data[: len(data) // 2]), offset)
        _put(now, bytes(data), offset)
        torn = {name: bytes(kept) for name, kept in self.disk.written.items()} | {self.file: bytes(half)}
        self.disk.point(torn)

    def xTruncate(self, size):  # noqa: N802
        super().xTruncate(size)
        del self.disk.written[self.file][size:]
        self.disk.point()

    def xSync(self, flags):  # noqa: N802
        super().xSync(flags)
        self.disk.synced[self.file] = bytearray(self.disk.written[self.file])
        self.disk.point()


def _put(into: bytearray, data: bytes, offset: int) -> None:
    if len(into) < offset:
        into.extend(bytes(offset - len(into)))
    into[offset : offset + len(data)] = data

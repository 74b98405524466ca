"""Anchors of the audit log: the newest row's number and digest, written down outside the database once a day.

Rows cut off at the end of the log are seen against them.  Copy the file away with the daily backup: then not even
whoever owns this machine can shorten the log unseen.
"""

import os
from pathlib import Path

from duty.audit import Anchor
from duty.edge.rows.audit import AuditRows

FILE = "audit-anchors.txt"
DAY_MS = 24 * 3_600_000


def read(folder: Path) -> list[Anchor]:
    """Every anchor written, in order.  A line that is none is passed over."""
    try:
        lines = (folder / FILE).read_text().splitlines()
    except FileNotFoundError:
        return []
    found: list[Anchor] = []
    for line in lines:
        parts = line.split()
        if len(parts) == 3 and parts[1].isascii() and parts[1].isdigit():
            found.append(Anchor(int(parts[1]), parts[2]))
    return found


def write(folder: Path, store: AuditRows, at_ms: int) -> Anchor | None:
    """Write the newest row's anchor, unless the last one is of today or of the same row.  Raises OSError."""
    path = folder / FILE
    last = path.read_text().splitlines()[-1:] if path.exists() else []
    parts = last[0].split() if last else []
    anchor = store.audit_anchor()
    if anchor is None:
        return None
    if len(parts) == 3 and (parts[1] == str(anchor.number) or at_ms - int(parts[0]) < DAY_MS):
        return None
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(f"{at_ms} {anchor.number} {anchor.hash}\n")
        file.flush()
        os.fsync(file.fileno())
    return anchor


def verify(folder: Path, store: AuditRows) -> int | None:
    """The number of the first bad or missing row of the audit log, or None when it is whole."""
    return store.verify_audit(read(folder))

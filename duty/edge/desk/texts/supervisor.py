"""Sentences of the supervisor's overview, the handover sheet, the system and the rejects."""

ROWS: dict[str, tuple[str, str]] = {
    "title": ("总览", "Overview"),
}

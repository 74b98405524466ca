"""The words of the core in the reader's language: kinds, roles, dispositions, reasons."""

from datetime import tzinfo

from duty.edge.desk.texts import Language, text
from streams import words
from streams.effects import Reason


class Say:
    """Says the core's words to one reader."""

    def __init__(self, language: Language, zone: tzinfo) -> None:
        self.language: Language = language
        self.zone = zone

    def kind(self, kind: str) -> str:
        return self._named(words.KINDS, kind)

    def role(self, role: str) -> str:
        if role in ("admin", "auditor"):
            return text(f"admin.role_{role}", self.language)
        return self._named(words.ROLES, role)

    def disposition(self, disposition: str) -> str:
        return self._named(words.DISPOSITIONS, disposition)

    def reason(self, reason: Reason) -> str:
        """The sentence of `reason`, "" for none."""
        return words.sentence(reason, self.language, self.zone) if reason.word else ""

    def _named(self, table: dict[str, dict[str, str]], key: str) -> str:
        row = table.get(key)
        return row[self.language] if row else key

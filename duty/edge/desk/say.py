"""The words of the core in the reader's language: kinds, roles, dispositions, sites, reasons."""

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
        return words.name(words.KINDS, kind, self.language)

    def role(self, role: str) -> str:
        """Core's roles and the two of the desk alone."""
        if role in ("admin", "auditor"):
            return text(f"admin.role_{role}", self.language)
        return words.name(words.ROLE_NAMES, role, self.language)

    def disposition(self, disposition: str) -> str:
        return words.name(words.DISPOSITION_NAMES, disposition, self.language)

    def site(self, site: str) -> str:
        return words.name(words.SITE_NAMES, site, self.language)

    def reason(self, reason: Reason) -> str:
        """The sentence of `reason`, "" for none."""
        return words.sentence(reason, self.language, self.zone) if reason.word else ""

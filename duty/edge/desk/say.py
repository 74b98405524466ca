"""The words of the core in the reader's language: kinds, roles, dispositions, sites, reasons.

The core knows people by their ids; who that is is written in here.
"""

from collections.abc import Callable
from datetime import tzinfo

from duty.edge.desk.texts import Language, text
from streams import words
from streams.effects import Reason


class Say:
    """Says the core's words to one reader.  `names` gives the name of a person's id."""

    def __init__(self, language: Language, zone: tzinfo, names: Callable[[str], str] = str) -> None:
        self.language: Language = language
        self.zone = zone
        self._names = names

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
        if not reason.word:
            return ""
        by = reason.values.get("by")
        if isinstance(by, str):
            reason = Reason(reason.word, {**reason.values, "by": self.person(by)})
        return words.sentence(reason, self.language, self.zone)

    def person(self, by: str) -> str:
        """Who gave a command: a person's name, or the role where there is no more than that ("resident")."""
        return self.role(by) if by in words.ROLE_NAMES else self._names(by)

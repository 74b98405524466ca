"""Who may publish and subscribe what over a direct connection: rows, and the one function that reads them.

A message belongs to the device whose topic is its topic or its longest parent; so a device may publish under its own
topic, but not where a row of the fleet gives a deeper topic to another. `$` topics and wildcards are nobody's: what
this server publishes has exact names.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from msgspec import Struct

from gateway.mqtt.reasons import Reason

Kind = Literal["device", "bridge", "subscriber", "platform"]
Operation = Literal["publish", "will", "subscribe"]
DeniedReason = Literal["bad-name", "not-a-filter", "not-your-name", "not-yours", "shared", "system-topic", "wildcard"]


class Principal(Struct, frozen=True, kw_only=True):
    """A client whose name and secret were found right."""

    name: str
    """Its client id: the id of a device, bridge or subscriber of the fleet."""
    kind: Kind
    grid: str
    own: tuple[str, ...] = ()
    """Its topics; what is below them is its own too."""
    foreign: tuple[str, ...] = ()
    """Topics of others below its own: longer parents, so not its own after all."""
    behind: str = ""
    """A bridge's: what the topics of the devices behind it begin with."""
    beyond: tuple[str, ...] = ()
    """Of those, what is another bridge's: its own topics, and longer beginnings of its devices'."""
    roles: tuple[str, ...] = ()
    """A subscriber's: the roles whose pages it is told."""


class Allowed(Struct, frozen=True):
    sentence: str
    """The row that allows it, in words."""


class Denied(Struct, frozen=True):
    reason: DeniedReason
    code: Reason
    """What an MQTT 5 client is told."""


class Row(Struct, frozen=True):
    kind: Kind
    operation: Operation
    pattern: str
    """`{own}`: its topics and all below; `{behind}`: all that begins so; else the very topic, `{role}` being any of its
    roles."""
    sentence: str


ROWS: Final = (
    Row("device", "publish", "{own}", "A device speaks under its own topic."),
    Row("device", "will", "{own}", "A device leaves its will under its own topic."),
    Row("device", "subscribe", "threshold/{grid}/{name}/down", "A device hears what is sent to it."),
    Row("bridge", "publish", "{own}", "A bridge speaks under its own topic."),
    Row("bridge", "publish", "{behind}", "A bridge speaks for the devices behind it."),
    Row("bridge", "will", "{own}", "A bridge leaves its will under its own topic."),
    Row("bridge", "subscribe", "threshold/{grid}/{name}/down", "A bridge hears what is sent to it."),
    Row("platform", "publish", "{own}", "A platform pushes what its devices say; it never connects with MQTT."),
    Row("subscriber", "subscribe", "threshold/pages/{grid}/{role}", "A siren or phone hears the pages of its roles."),
)


def allowed(principal: Principal, operation: Operation, topic: str) -> Allowed | Denied:
    """May this client do that with this topic (for `subscribe`: this topic filter)? No row, no right."""
    if operation == "subscribe":
        if not is_filter(topic):
            return Denied("not-a-filter", Reason.TOPIC_FILTER_INVALID)
        if topic.startswith("$share/"):
            return Denied("shared", Reason.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED)
        if "#" in topic or "+" in topic:
            return Denied("wildcard", Reason.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED)
    elif not topic or "#" in topic or "+" in topic:
        return Denied("wildcard", Reason.TOPIC_NAME_INVALID)
    if topic.startswith("$"):
        return Denied("system-topic", Reason.NOT_AUTHORISED)
    for row in ROWS:
        if row.kind == principal.kind and row.operation == operation and _covers(row.pattern, principal, topic):
            return Allowed(row.sentence)
    return Denied("not-yours", Reason.NOT_AUTHORISED)


def may_connect(client_id: str, username: str | None, certificate_name: str | None) -> Allowed | Denied:
    """May a client come under these names? Its secret or certificate is checked elsewhere; here they are held together,
    so that nobody's credentials open somebody else's connection.

    `certificate_name` is the common name of a verified certificate, None without one.
    """
    if not _is_name(client_id):
        return Denied("bad-name", Reason.CLIENT_ID_NOT_VALID)
    if username is not None and not _is_name(username):
        return Denied("bad-name", Reason.BAD_USER_NAME_OR_PASSWORD)
    if certificate_name is None and username is None:
        return Denied("not-your-name", Reason.BAD_USER_NAME_OR_PASSWORD)
    if username not in (None, client_id) or certificate_name not in (None, client_id):
        return Denied("not-your-name", Reason.NOT_AUTHORISED)
    return Allowed("A client comes under its own name.")


def is_filter(topic_filter: str) -> bool:
    """Is this a topic filter: `#` only as the last level, `+` and `#` only as whole levels?"""
    levels = topic_filter.split("/")
    if not topic_filter or "\0" in topic_filter or "#" in levels[:-1]:
        return False
    if topic_filter.startswith("$share/") and (len(levels) < 3 or not all(levels[1:3]) or levels[1] in ("+", "#")):
        return False
    return all(level in ("+", "#") or ("+" not in level and "#" not in level) for level in levels)


def matches(topic_filter: str, topic: str) -> bool:
    """Does a topic match a filter (4.7)? `sport/#` is `sport` too; a wildcard in front never means a `$` topic."""
    if topic_filter == topic:
        return True
    wanted, given = topic_filter.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index == len(given):
            return False
        if level not in ("+", given[index]):
            return False
    return len(wanted) == len(given)


def foreign_topics(own: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """For each name the topics of others that lie below its own; `own` is the topics of each name."""
    every = sorted({(topic, name) for name, topics in own.items() for topic in topics})
    found: dict[str, tuple[str, ...]] = {}
    for name, topics in own.items():
        mine = set(topics)
        below: set[str] = set()
        for topic in mine:
            # All that begins with "topic/" stands together; "0" is the character behind "/".
            first, last = bisect_left(every, (topic + "/",)), bisect_left(every, (topic + "0",))
            below.update(other for other, owner in every[first:last] if owner != name and other not in mine)
        found[name] = tuple(sorted(below))
    return found


def _covers(pattern: str, principal: Principal, topic: str) -> bool:
    if pattern == "{own}":
        return _is_at_or_below(topic, principal.own) and not _is_at_or_below_longer(topic, principal)
    if pattern == "{behind}":
        return bool(principal.behind) and topic.startswith(principal.behind) and not _is_beyond(topic, principal)
    roles = principal.roles if "{role}" in pattern else ("",)
    return any(topic == pattern.format(grid=principal.grid, name=principal.name, role=role) for role in roles)


def _is_at_or_below(topic: str, parents: Iterable[str]) -> bool:
    return any(topic == parent or topic.startswith(parent + "/") for parent in parents)


def _is_at_or_below_longer(topic: str, principal: Principal) -> bool:
    """Is another's topic a longer parent of this topic than any of its own?"""
    mine = max((len(parent) for parent in principal.own if _is_at_or_below(topic, (parent,))), default=0)
    return any(len(parent) > mine and _is_at_or_below(topic, (parent,)) for parent in principal.foreign)


def _is_beyond(topic: str, principal: Principal) -> bool:
    return any(topic.startswith(prefix) for prefix in principal.beyond)


def _is_name(name: str) -> bool:
    """A name becomes a level of a topic: no separator, no wildcard, nothing invisible, no `$` in front."""
    return bool(name) and name.isprintable() and not name.startswith("$") and not any(sign in name for sign in "+#/")

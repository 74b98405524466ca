"""What the desk's web app is built from: made and wired by the runner, handed over as one value."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from duty.edge.auth import Auth
from duty.edge.door import Door
from duty.edge.projection import Projection
from duty.edge.store import Store


@dataclass(frozen=True)
class Parts:
    """`build(parts)` of duty/edge/desk/app.py makes the app of these and starts nothing itself.

    `settings` is the settings file as read; `clock_ms` the time; `links` signs residents' and one-tap links;
    `dispatcher` tells of deliveries under way and sends a test message through a channel.  `cluster` says how the
    cluster stands, where the site is one.
    """

    settings: Any
    store: Store
    projection: Projection
    door: Door
    auth: Auth
    links: Any
    dispatcher: Any
    zone: tzinfo
    clock_ms: Callable[[], int]
    cluster: Any = None

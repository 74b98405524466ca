"""Where a process answers Prometheus: `[metrics]` of the settings; off unless an address is named.

Answered from a thread of its own, from what the parts count for themselves: nothing here is on the way of an event.
What it says is about the process and never about a person.
"""

from typing import TYPE_CHECKING, Any, Protocol

from devices.edge.complaints import Complaint
from devices.edge.settings import Settings, split_address
from devices.edge.toml_lines import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric


class Collector(Protocol):
    """What prometheus_client asks at each reading.  From another thread than the one that counts."""

    def collect(self) -> "Iterable[Metric]":
        """The figures."""
        ...


class Served:
    """The endpoint, or nothing where the settings name none."""

    def __init__(self, server: Any = None) -> None:
        self._server = server

    @property
    def port(self) -> int:
        """Where it answers; 0 where it does not."""
        return 0 if self._server is None else int(self._server.server_port)

    def close(self) -> None:
        """Stop answering.  May be called twice."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()


def serve(settings: Settings, collector: Collector, table: str, key: str) -> Served:
    """Answer at the address that `key` of [table] names.  Raises Complaint where that cannot be."""
    metrics = settings.metrics
    address: str = getattr(getattr(settings, table), key)
    if not address:
        return Served()
    # Only now: a process that answers nobody does not pay for a web server's memory.
    from prometheus_client import CollectorRegistry, start_http_server

    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)  # pyright: ignore[reportArgumentType]
    host, port = split_address(address)
    tls: dict[str, Any] = {}
    if metrics.certificate:
        tls = {"certfile": metrics.certificate, "keyfile": metrics.private_key}
        if metrics.client_ca:
            tls |= {"client_cafile": metrics.client_ca, "client_auth_required": True}
    try:
        server, _ = start_http_server(port, host, registry, **tls)
    except OSError as error:
        line = read_toml(settings.file).line(table, key)
        raise Complaint(
            settings.file,
            line,
            f"[{table}] {key} = {address!r} cannot be listened on: {error.strerror or error}",
            "end what uses the port, choose another (each process needs its own), or look at the certificate files",
        ) from error
    return Served(server)

"""The engines a site names besides our own processes: are Kafka, InfluxDB and PostgreSQL there, and as they should be?

Asked by `up` before anything starts.  What would keep the site from working is a complaint; an InfluxDB that is away is
only a note, for nobody waits for it.
"""

import ssl
import time
import urllib.request
from email.utils import parsedate_to_datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from deploy import environment
from devices.edge.complaints import Complaint
from devices.edge.settings import Settings, load
from devices.edge.toml_lines import read_toml

CLOCK_APART_S = 5.0
_PATIENCE_S = 5.0


def needs_more(read: Settings) -> bool:
    """Whether the packages of one box are too few for this site."""
    return read.streams.runtime == "cluster" or read.desk.database.startswith("postgresql")


def ensure(config: Path) -> int:
    """Install what the configuration needs, if it is not there; 0, or 3 where it cannot be had."""
    try:
        more = needs_more(load(config))
    except (Complaint, OSError):
        return 0  # whoever reads it next says what is wrong with it
    if more:
        try:
            environment.ensure("cluster")
        except environment.Incomplete as missing:
            environment.say(str(missing))
            return 3
    return 0


def check(read: Settings) -> tuple[list[Complaint], list[str]]:
    """Complaints and notes about the engines; topics and buckets that are missing are made on the way."""
    complaints: list[Complaint] = []
    notes: list[str] = []
    for ask in (_kafka, _influx, _database):
        try:
            notes += ask(read)
        except Complaint as complaint:
            complaints += complaint.each()
    return complaints, notes


def _kafka(read: Settings) -> list[str]:
    if read.streams.runtime != "cluster":
        return []
    import_module("streams.edge.kafka").quiet()
    return import_module("streams.edge.topics").prepare(read)


def _influx(read: Settings) -> list[str]:
    if not read.sink.influx_url:
        return []
    from streams.edge.influx import connect
    from streams.edge.series import SeriesDown
    from streams.edge.sink import kept_days

    try:
        trust = ssl.create_default_context(cafile=read.sink.ca or None)
        ping = f"{read.sink.influx_url.rstrip('/')}/ping"
        before_s = time.time()
        with urllib.request.urlopen(ping, timeout=_PATIENCE_S, context=trust) as answer:
            date = answer.headers.get("Date")
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        away = f"influx_url: {read.sink.influx_url} does not answer as InfluxDB ({why})"
        return [f"{away}: points are kept and written once it does; if it should be there, mend influx_url in [sink]"]
    if date:
        theirs_s = parsedate_to_datetime(date).timestamp()
        _check_clock(read, "sink", "influx_url", "InfluxDB", theirs_s, before_s)
    influx = connect(read.sink)
    try:
        influx.prepare(kept_days(read))
    except SeriesDown as down:
        raise _at(read, "sink", "token_file" if "token" in str(down) else "influx_url", str(down)) from down
    finally:
        influx.close()
    return []


def _database(read: Settings) -> list[str]:
    if not read.desk.database.startswith("postgresql"):
        return []
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError

    from duty.edge.store import StoreTrouble, make_engine

    try:
        engine = make_engine(read.desk.database)
    except StoreTrouble as trouble:
        raise _at(read, "desk", "database", str(trouble)) from trouble
    where = engine.url.render_as_string(hide_password=True)
    try:
        with engine.connect() as connection:
            before_s = time.time()
            theirs_s = float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
    except DBAPIError as error:
        said = str(error.orig).strip().splitlines()[-1]
        remedy = "start it, make the database and its user, or mend database in [desk]"
        raise _at(read, "desk", "database", f"database: {where} cannot be used: {said}", remedy) from error
    finally:
        engine.dispose()
    _check_clock(read, "desk", "database", "PostgreSQL", theirs_s, before_s)
    return []


def _check_clock(read: Settings, table: str, key: str, whose: str, theirs_s: float, before_s: float) -> None:
    """`before_s`: when it was asked.  An answer that took long says nothing against a clock."""
    from streams.edge.live_clock import apart_ms

    apart_s = apart_ms(theirs_s * 1000, before_s * 1000, time.time() * 1000) / 1000
    if abs(apart_s) > CLOCK_APART_S:
        way = "ahead of" if apart_s > 0 else "behind"
        what = f"the clock of {whose} is {abs(apart_s):.0f} s {way} this machine's"
        raise _at(read, table, key, what, "set both by a time server (chrony or systemd-timesyncd) and start again")


def _at(read: Settings, table: str, key: str, what: str, remedy: str = "") -> Complaint:
    line = read_toml(read.file).line(table, key) if read.file else 0
    return Complaint(read.file or "settings", line, what, remedy)


def workers(read: Settings) -> list[tuple[str, list[Any]]]:
    """The streams processes of this machine: name, and what is said to each beside its configuration."""
    if read.streams.runtime != "cluster":
        return [("streams", [])]
    return [("streams" if n == 1 else f"streams-{n}", ["--worker", str(n)]) for n in range(1, read.cluster.workers + 1)]

"""The dashboards of Grafana, in Chinese and English from one table, so that the two can't drift apart.

    python -m deploy.dashboards        writes deploy/grafana/dashboards/<language>/<dashboard>.json

The questions are Flux over the measurements of `streams/measurements.py`; `tests/live/test_dashboards.py` asks each of
them of a real InfluxDB.  `${bucket}` is the name of the settings' [sink] bucket, `${grid:regex}` the grids chosen,
`${zone}` the site's time zone.
"""

import json
import sys
from pathlib import Path
from typing import Any, Literal

import msgspec

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
FOLDER = Path(__file__).parent / "grafana" / "dashboards"
_SOURCE = {"type": "influxdb", "uid": "threshold"}
Look = Literal["timeseries", "bars", "table", "stat"]


class Panel(msgspec.Struct, frozen=True):
    """A picture: its name and what it tells in (Chinese, English), its question, and how it is drawn."""

    title: tuple[str, str]
    says: tuple[str, str]
    flux: str
    look: Look = "timeseries"
    unit: str = "short"
    width: int = 12


class Dashboard(msgspec.Struct, frozen=True):
    """One page.  `uid` is its name in addresses, with the language behind it."""

    uid: str
    title: tuple[str, str]
    panels: tuple[Panel, ...]


def _of(measurement: str, field: str, keep: str, more: str = "", *, by_grid: bool = True) -> str:
    grid = " and r.grid =~ /^${grid:regex}$/" if by_grid else ""
    return (
        f'from(bucket: "${{bucket}}-{keep}")\n'
        "  |> range(start: v.timeRangeStart, stop: v.timeRangeStop)\n"
        f'  |> filter(fn: (r) => r._measurement == "{measurement}" and r._field == "{field}"{grid}{more})'
    )


def _counted(tag: str, every: str = "1h") -> str:
    return (
        f'\n  |> group(columns: ["{tag}"])\n'
        f"  |> aggregateWindow(every: {every}, fn: count, createEmpty: false)\n"
        f'  |> keep(columns: ["_time", "_value", "{tag}"])'
    )


def _percentiles(asked: str, *percents: int, every: str = "1h") -> str:
    """One series a percentile, over everything that was asked for."""
    streams = [
        f"all |> aggregateWindow(every: {every}, fn: (tables=<-, column) => tables |> quantile(q: {percent / 100}, "
        f'column: column, method: "exact_selector"), createEmpty: false) |> set(key: "percentile", value: "p{percent}")'
        for percent in percents
    ]
    listed = ",\n  ".join(streams)
    return (
        f"all = {asked}\n  |> toFloat()\n  |> group()\nunion(tables: [\n  {listed},\n])\n"
        '  |> group(columns: ["percentile"])\n  |> keep(columns: ["_time", "_value", "percentile"])'
    )


def _hour_of_day(asked: str) -> str:
    return (
        'import "date"\nimport "timezone"\n'
        f"{asked}\n  |> group()\n"
        '  |> map(fn: (r) => ({hour: date.hour(t: r._time, location: timezone.location(name: "${zone}")), n: 1}))\n'
        '  |> group(columns: ["hour"])\n  |> sum(column: "n")\n  |> group()\n  |> sort(columns: ["hour"])'
    )


_DECISION = ' and r.decision == "{}"'

DUTY = Dashboard(
    "threshold-duty",
    ("值班", "Duty"),
    (
        Panel(
            ("新警情", "Incidents raised"),
            ("每小时新发生的警情，按种类", "New incidents an hour, by kind"),
            _of("incident", "count", "incidents", _DECISION.format("raised")) + _counted("kind"),
            "bars",
        ),
        Panel(
            ("呼叫", "Pages"),
            ("每小时发出的呼叫，按角色", "Pages an hour, by role"),
            _of("incident", "count", "incidents", _DECISION.format("page")) + _counted("role"),
            "bars",
        ),
        Panel(
            ("从开门到呼叫", "From the door to the page"),
            ("事件发生到决定呼叫", "From the event's own time to the decision to page"),
            _percentiles(_of("latency", "ms", "incidents", ' and r.stage == "event-to-page"'), 50, 99),
            unit="ms",
        ),
        Panel(
            ("从呼叫到接警", "From the page to the answer"),
            ("首次呼叫到有人接警", "From the first page to a role to its acknowledgement"),
            _percentiles(_of("latency", "ms", "incidents", ' and r.stage == "page-to-acknowledge"'), 50, 90),
            unit="ms",
        ),
        Panel(
            ("从发生到处置完成", "From the raising to the closing"),
            ("警情的历时", "How long incidents lasted"),
            _percentiles(_of("latency", "ms", "incidents", ' and r.stage == "raise-to-close"'), 50, 90),
            unit="ms",
        ),
        Panel(
            ("处置结果", "How incidents were closed"),
            ("按处置结果计数：误报率在这里看", "By disposition: the rate of false alarms is seen here"),
            _of("incident", "count", "incidents", _DECISION.format("closed") + ' and r.disposition != ""')
            + '\n  |> group(columns: ["disposition"])\n  |> count()\n  |> group()\n  |> sort(columns: ["disposition"])',
            "table",
        ),
        Panel(
            ("一天中的呼叫", "Pages by hour of the day"),
            ("夜里叫醒人多少次", "How often people are woken at night"),
            _hour_of_day(_of("incident", "count", "incidents", _DECISION.format("page"))),
            "table",
        ),
        Panel(
            ("接警", "Answers"),
            ("每天有人接警的次数，按种类", "Acknowledgements a day, by kind"),
            _of("incident", "count", "incidents", _DECISION.format("acknowledged")) + _counted("kind", "1d"),
            "bars",
        ),
    ),
)

CHECKPOINTS = Dashboard(
    "threshold-checkpoints",
    ("卡点", "Checkpoints"),
    (
        Panel(
            ("测温次数", "Readings"),
            ("每小时测温次数，按卡点", "Readings an hour, by checkpoint"),
            _of("temperature", "celsius", "raw", ' and r.checkpoint != ""') + _counted("checkpoint"),
            "bars",
        ),
        Panel(
            ("体温分布", "Temperatures"),
            ("每小时的 10、50、90 百分位", "The 10th, 50th and 90th percentile of each hour"),
            _percentiles(_of("temperature", "celsius", "raw", ' and r.checkpoint != ""'), 10, 50, 90),
            unit="celsius",
        ),
        Panel(
            ("测温枪的偏差", "How far a gun is off"),
            (
                "每支枪一天的中位数，减去所有枪的中位数：健康的人群应当一样",
                "A gun's median of a day, less the median of all: healthy crowds are alike",
            ),
            "all = " + _of("temperature", "celsius", "raw", ' and r.checkpoint != ""') + "\n"
            'guns = all |> group(columns: ["device"]) |> aggregateWindow(every: 1d, fn: median, createEmpty: false)\n'
            "crowd = all |> group() |> aggregateWindow(every: 1d, fn: median, createEmpty: false)\n"
            'join(tables: {gun: guns, crowd: crowd}, on: ["_time"])\n'
            "  |> map(fn: (r) => ({_time: r._time, device: r.device, _value: r._value_gun - r._value_crowd}))\n"
            '  |> group(columns: ["device"])',
            unit="celsius",
        ),
        Panel(
            ("卡点结论", "What the screen showed"),
            ("通过、重测、拦下", "Pass, again, stop"),
            _of("verdict", "celsius", "raw") + _counted("verdict"),
            "bars",
        ),
        Panel(
            ("不合理的读数", "Implausible readings"),
            ("人体不可能有的温度，按枪：坏枪在这里看", "Outside what a body can have, by gun: a broken one shows here"),
            _of("temperature", "implausible", "raw") + '\n  |> group(columns: ["device"])\n  |> count()\n  |> group()'
            '\n  |> sort(columns: ["_value"], desc: true)',
            "table",
        ),
        Panel(
            ("环境温度", "Air"),
            ("枪测到的气温，按卡点", "The air's temperature as the guns say it, by checkpoint"),
            _of("temperature", "ambient_celsius", "raw")
            + '\n  |> group(columns: ["checkpoint"])\n  |> aggregateWindow(every: 1h, fn: mean, createEmpty: false)'
            '\n  |> keep(columns: ["_time", "_value", "checkpoint"])',
            unit="celsius",
        ),
    ),
)

_WORST = '\n  |> group(columns: ["grid", "building", "device"])\n  |> last()\n  |> group()'

DEVICES = Dashboard(
    "threshold-devices",
    ("设备", "Devices"),
    (
        Panel(
            ("收到的消息", "Messages heard"),
            ("每小时，按设备在哪里", "An hour, by where the device is"),
            _of("device", "heard", "raw") + _counted("where"),
            "bars",
        ),
        Panel(
            ("门的动作", "Doors moving"),
            ("每小时门磁消息，按报告方式", "Messages of door contacts an hour, by how they came about"),
            _of("door", "open", "raw") + _counted("report"),
            "bars",
        ),
        Panel(
            ("电量最低", "Lowest batteries"),
            ("最近一次报告的电量，最低的二十个", "As last reported, the lowest twenty"),
            _of("device", "battery_percent", "raw") + _WORST + '\n  |> sort(columns: ["_value"])\n  |> limit(n: 20)'
            '\n  |> keep(columns: ["_time", "_value", "grid", "building", "device"])',
            "table",
            "percent",
        ),
        Panel(
            ("信号最弱", "Weakest signals"),
            ("最近一次报告的信号，最弱的二十个", "As last reported, the weakest twenty"),
            _of("device", "signal", "raw") + _WORST + '\n  |> sort(columns: ["_value"])\n  |> limit(n: 20)'
            '\n  |> keep(columns: ["_time", "_value", "grid", "building", "device"])',
            "table",
        ),
        Panel(
            ("迟到的消息", "Late messages"),
            ("比这台设备平常晚多少", "Beyond the device's usual way"),
            _percentiles(_of("door", "late_ms", "raw"), 50, 99),
            unit="ms",
        ),
        Panel(
            ("时钟偏差", "Clocks"),
            ("最近学到的偏差，最大的二十个", "How far behind, as last learnt, the worst twenty"),
            _of("device", "skew_ms", "raw") + _WORST + '\n  |> sort(columns: ["_value"], desc: true)\n  |> limit(n: 20)'
            '\n  |> keep(columns: ["_time", "_value", "grid", "building", "device"])',
            "table",
            "ms",
        ),
        Panel(
            ("离线", "Offline"),
            ("报告离线的次数，按网格", "Times reported offline, by grid"),
            _of("device", "online", "raw", " and r._value == 0") + _counted("grid"),
            "bars",
        ),
        Panel(
            ("拆动", "Tampered with"),
            ("被拆开或取下的次数，按网格", "Times opened or taken off, by grid"),
            _of("device", "tamper", "raw", " and r._value == 1") + _counted("grid"),
            "bars",
        ),
    ),
)

SYSTEM = Dashboard(
    "threshold-system",
    ("系统", "System"),
    (
        Panel(
            ("各部分", "Parts"),
            ("每一部分最近一次的自述：1 正常，0 异常", "What each part last said of itself: 1 well, 0 unwell"),
            _of("system", "well", "incidents", by_grid=False)
            + '\n  |> group(columns: ["part"])\n  |> last()\n  |> group()'
            '\n  |> keep(columns: ["_time", "_value", "part"])',
            "table",
        ),
        Panel(
            ("从网关到送达", "From the gateway to acceptance"),
            ("消息到达到渠道接受", "From a message's arrival to the channel's acceptance"),
            _percentiles(_of("latency", "ms", "incidents", ' and r.stage == "gateway-to-receipt"'), 50, 99),
            unit="ms",
        ),
        Panel(
            ("从呼叫到送达", "From the page to acceptance"),
            ("按渠道的中位数", "The median of each channel"),
            _of("latency", "ms", "incidents", ' and r.stage == "page-to-receipt"')
            + '\n  |> toFloat()\n  |> group(columns: ["channel"])\n'
            "  |> aggregateWindow(every: 1h, fn: median, createEmpty: false)\n"
            '  |> keep(columns: ["_time", "_value", "channel"])',
            unit="ms",
        ),
        Panel(
            ("渠道的回答", "What channels answered"),
            ("接受、稍后再试、放弃", "Accepted, try later, gave up"),
            _of("receipt", "step", "incidents") + _counted("outcome"),
            "bars",
        ),
        Panel(
            ("决定", "Decisions"),
            ("每小时，按种类", "An hour, by what was decided"),
            _of("incident", "count", "incidents") + _counted("decision"),
            "bars",
        ),
        Panel(
            ("决定晚了多少", "How late decisions were"),
            ("从事件发生到决定：迟到的消息在这里看", "From the event's own time: late messages show here"),
            _percentiles(_of("incident", "late_ms", "incidents"), 50, 99),
            unit="ms",
        ),
    ),
)

DASHBOARDS: tuple[Dashboard, ...] = (DUTY, CHECKPOINTS, DEVICES, SYSTEM)

_WORDS = {"grid": ("网格", "Grid"), "bucket": ("存储桶", "Bucket"), "zone": ("时区", "Time zone")}
_GRIDS = 'import "influxdata/influxdb/schema"\nschema.tagValues(bucket: "${bucket}-raw", tag: "grid")'


def as_json(dashboard: Dashboard, language: Language) -> str:
    """The dashboard as Grafana reads it."""
    say = LANGUAGES.index(language)
    panels: list[dict[str, Any]] = []
    x = y = 0
    for number, panel in enumerate(dashboard.panels, 1):
        if x + panel.width > 24:
            x, y = 0, y + 8
        panels.append(_panel(number, panel, say) | {"gridPos": {"h": 8, "w": panel.width, "x": x, "y": y}})
        x += panel.width
    whole = {
        "uid": f"{dashboard.uid}-{language}",
        "title": f"Threshold · {dashboard.title[say]}",
        "tags": ["threshold", language],
        "timezone": "browser",
        "editable": False,
        "graphTooltip": 1,
        "refresh": "1m",
        "schemaVersion": 41,
        "version": 1,
        "time": {"from": "now-7d", "to": "now"},
        "annotations": {"list": []},
        "links": [
            {"type": "dashboards", "tags": ["threshold", language], "asDropdown": False, "includeVars": True,
             "keepTime": True, "title": "", "icon": "external link", "targetBlank": False, "tooltip": "", "url": ""}
        ],
        "templating": {"list": _variables(say)},
        "panels": panels,
    }  # fmt: skip
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def _panel(number: int, panel: Panel, say: int) -> dict[str, Any]:
    drawn: dict[str, Any] = {
        "id": number,
        "type": "timeseries" if panel.look in ("bars", "timeseries") else panel.look,
        "title": panel.title[say],
        "description": panel.says[say],
        "datasource": _SOURCE,
        "targets": [{"refId": "A", "datasource": _SOURCE, "query": panel.flux}],
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "options": {},
    }
    if panel.look == "bars":
        drawn["fieldConfig"]["defaults"]["custom"] = {
            "drawStyle": "bars", "fillOpacity": 80, "stacking": {"mode": "normal", "group": "A"}
        }  # fmt: skip
    return drawn


def _variables(say: int) -> list[dict[str, Any]]:
    """Which grids are looked at, and two constants of the site: the bucket's name and the time zone."""
    grid = {
        "name": "grid", "label": _WORDS["grid"][say], "type": "query", "datasource": _SOURCE,
        "query": {"query": _GRIDS}, "refresh": 2, "multi": True, "includeAll": True, "allValue": ".*",
        "current": {"text": "All", "value": "$__all"}, "sort": 1, "hide": 0,
    }  # fmt: skip
    constants = [
        {"name": name, "label": _WORDS[name][say], "type": "constant", "query": value, "hide": 2,
         "current": {"text": value, "value": value}}
        for name, value in (("bucket", "threshold"), ("zone", "Asia/Shanghai"))
    ]  # fmt: skip
    return [grid, *constants]


def files() -> dict[Path, str]:
    """Every file that is to be committed, and what stands in it."""
    return {
        FOLDER / language / f"{each.uid.removeprefix('threshold-')}.json": as_json(each, language)
        for each in DASHBOARDS
        for language in LANGUAGES
    }


def main() -> int:
    """Write them."""
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())

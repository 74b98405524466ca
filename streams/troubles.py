"""What can be wrong with a part of Threshold itself: a closed list, said in Chinese and English where it is read.

A report carries the code and its values, and the English sentence too: for the log, for replay, and for a reader of
another release.  What an operating system, a broker or a vendor said is a value (`why`) and stays as it came.
"""

from collections.abc import Mapping
from string import Formatter
from typing import Any, Literal

import msgspec

from streams.frames import SystemReport

Language = Literal["zh", "en"]
Values = Mapping[str, str | int | float]

# code → (Chinese, English)
TROUBLES: dict[str, tuple[str, str]] = {
    # a gateway
    "disk-low": ("磁盘可用空间 {percent:g}%", "{percent:g} % of the disk is free"),
    "inbox-failed": (
        "收件箱有 {seconds:.0f} 秒写不进去：{why}",
        "inbox could not be written for {seconds:.0f} s: {why}",
    ),
    "inbox-mended": ("收件箱损坏，已修复：{what}", "the inbox was damaged and is mended: {what}"),
    "broker-away": ("连不上现场的消息服务器 {address}：{why}", "the broker {address} is not reachable: {why}"),
    "kafka-away": ("连不上 Kafka，收到的先存本机：{why}", "Kafka is away, what comes in waits on the disk: {why}"),
    "kafka-fault": (
        "程序出错，本机暂存的没有继续送往 Kafka",
        "a fault of this program ended the bringing of what waits",
    ),
    # the core
    "clock-apart": (
        "本机时钟与 Kafka 服务器相差 {seconds:.0f} 秒",
        "this machine's clock and the broker's are {seconds:.0f} s apart",
    ),
    "clock-back": ("本机时钟被往回拨了 {seconds} 秒", "this machine's clock was set back by {seconds} s"),
    "core-disk": ("读写出错，暂停判定：{why}", "nothing is decided: {why}"),
    "core-data": ("数据有损坏：{what}", "data was damaged: {what}"),
    "put-aside": (
        "有 {count} 条无法处理，已隔离，见 streams.db",
        "{count} put aside: see the quarantine in streams.db",
    ),
    "partition-put-aside": (
        "分区 {partition} 有 {count} 条无法处理，已隔离，见退件",
        "{count} put aside in partition {partition}: see the rejects",
    ),
    "frames-lost": (
        "分区 {partition} 有 {count} 帧没读就被删除：raw_days 太短",
        "{count} frames of partition {partition} were deleted before they were read: raw_days is too short",
    ),
    "not-whole": (
        "分区 {partition} 记住的有 {rows} 条，最后写入时是 {wanted} 条，内容不一致",
        "partition {partition} remembers {rows} rows, its last writer had {wanted}, and not all are the same",
    ),
    "partition-stands": (
        "分区 {partition} 停在第 {at} 帧已 {seconds:.0f} 秒，还有 {waiting} 帧在等",
        "partition {partition} has stood at frame {at} of inbox for {seconds:.0f} s while {waiting} wait",
    ),
    # the sink
    "sink-behind": ("落后 10 分钟以上：{why}", "more than 10 min behind: {why}"),
    "sink-catching-up": ("落后 10 分钟以上，正在追赶", "more than 10 min behind, catching up"),
    "sink-refused": ("有 {count} 个点或帧被拒收，见退件", "{count} points or frames were refused: see the rejects"),
    # the desk
    "channel-failing": ("通道发不出去：{why}", "the channel fails: {why}"),
    "webhook-failing": ("对方系统不接收呼叫：{why}", "the site's webhook does not take pages: {why}"),
    "self-test-late": ("{seconds:g} 秒内没有等到判定", "no answer of the core within {seconds:g} s"),
    "self-test-failed": ("自检没有走通：{why}", "the self-test did not come through: {why}"),
    "desk-logs": ("值班台读不到记录：{why}", "the desk cannot read the logs: {why}"),
    "desk-store": ("值班台的数据库写不进去：{why}", "the desk's store cannot be written: {why}"),
    # what starts them
    "process-ends": (
        "{minutes:g} 分钟内 {times} 次退出（{how}）",
        "it {how}, {times} times in {minutes:g} min",
    ),
    "process-unready": ("{seconds:g} 秒后仍未就绪", "it is not ready after {seconds:g} s"),
}
_LONGEST = 200
_LONGEST_DETAIL = 500


def named(code: str) -> frozenset[str]:
    """The values that a code's sentence names; none for a code that is not in the list."""
    return frozenset(name for _, name, _, _ in Formatter().parse(TROUBLES.get(code, ("", ""))[1]) if name)


NAMED = frozenset(name for code in TROUBLES for name in named(code))


class Trouble(msgspec.Struct, frozen=True):
    """One of them.  As a text it is the English sentence."""

    code: str
    values: Values = {}

    @classmethod
    def of(cls, code: str, **values: str | int | float) -> "Trouble":
        """With texts cut to a length that any log can hold."""
        return cls(code, {k: v[:_LONGEST] if isinstance(v, str) else v for k, v in values.items()})

    def __str__(self) -> str:
        return said(self.code, self.values, self.code, "en")


Detail = str | Trouble


def said(code: str, values: Values, detail: str, language: Language) -> str:
    """The sentence in that language; `detail`, the English one, for what this release does not know."""
    texts = TROUBLES.get(code)
    if texts is None:
        return detail
    try:
        return texts[0 if language == "zh" else 1].format(**values)
    except (KeyError, ValueError, IndexError):
        return detail  # of another release, with other values


def report(at_ms: int, part: str, well: bool, told: Detail) -> SystemReport:
    """The record of `inbox`."""
    detail = str(told)[:_LONGEST_DETAIL]
    if isinstance(told, str):
        return SystemReport(at_ms, part, well, detail)
    return SystemReport(at_ms, part, well, detail, code=told.code, values=dict(told.values))


def fields(told: Detail) -> dict[str, Any]:
    """The same for the gateway's door, beside part and well."""
    detail = {"detail": str(told)[:_LONGEST_DETAIL]}
    return detail if isinstance(told, str) else {**detail, "code": told.code, "values": dict(told.values)}


def parsed(raw: Mapping[str, Any]) -> Detail | None:
    """What the door was given; None for an unknown code, or for other values than its sentence has."""
    detail, code = raw.get("detail", ""), raw.get("code", "")
    values: dict[str, Any] = raw.get("values", {})
    if not (isinstance(detail, str) and isinstance(code, str) and isinstance(raw.get("values", {}), dict)):
        return None
    if not code:
        return None if values else detail
    if code not in TROUBLES or values.keys() != named(code):
        return None
    if not all(isinstance(value, str | int | float) and not isinstance(value, bool) for value in values.values()):
        return None
    trouble = Trouble.of(code, **values)
    return None if str(trouble) == code else trouble

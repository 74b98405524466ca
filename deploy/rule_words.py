"""When each kind of incident is raised and when it ends, in plain words: what `deploy/rule_page.py` draws.

Numbers are rows of the policy, by their names in `streams/policy.py`; the sentences hold none of their own.
"""

import msgspec

from streams.incident import Deed, Life, Move
from streams.policy import Kind


class Words(msgspec.Struct, frozen=True):
    """A sentence in Chinese and in English."""

    zh: str
    en: str


class Rule(msgspec.Struct, frozen=True):
    """One kind.  `ends` is when its condition is over."""

    raised: Words
    ends: Words


RULES: dict[Kind, Rule] = {
    "undeclared-opening": Rule(
        Words(
            "管控期内门由关变开，没有报备，也不在准许时段内",
            "the door of a household in isolation goes from closed to open and nothing declared or permitted covers it",
        ),
        Words(
            "门关好并安静 {opening_cleared_min:g} 分钟",
            "the door was closed and quiet for {opening_cleared_min:g} min",
        ),
    ),
    "left-open": Rule(
        Words(
            "门开着超过 {left_open_min:g} 分钟，或超过报备的结束时间",
            "the door is open longer than {left_open_min:g} min, or past the end of what was declared",
        ),
        Words("门关上", "the door is closed"),
    ),
    "lost-openings": Rule(
        Words(
            "门磁的计数比它上报的开门多",
            "the sensor's own count has gone further than the openings it reported",
        ),
        Words("由人处置", "a person closes it"),
    ),
    "tamper": Rule(
        Words("门磁报告被拆动", "the sensor says that it is being opened or removed"),
        Words("门磁报告已恢复", "the sensor says that this is over"),
    ),
    "sensor-silent": Rule(
        Words(
            "超过 {silent_intervals:g} 个上报周期（至少 {silent_least_min:g} 分钟）没有消息，"
            "或被报告离线 {offline_min:g} 分钟；网关离线或片区失联时不单独呼叫",
            "nothing heard for {silent_intervals:g} report intervals (at least {silent_least_min:g} min), or said to "
            "be offline for {offline_min:g} min; not called apart while its bridge is down or its area silent",
        ),
        Words("又有任何消息", "anything is heard of it"),
    ),
    "low-battery": Rule(
        Words(
            "电量不高于 {battery_low_percent:g}%，或门磁自己报告电量低",
            "the battery is at {battery_low_percent:g} % or less, or the device says that it is low",
        ),
        Words("电量高于 {battery_well_percent:g}%", "the battery is above {battery_well_percent:g} %"),
    ),
    "suspect-reading": Rule(
        Words(
            "卡点一次体温达到该部位的界线",
            "one reading at a checkpoint is at or over the limit of its body site",
        ),
        Words(
            "{reading_window_min:g} 分钟内复测有了结果；没有复测就告诉工作者，{suspicion_closes_min:g} 分钟后自行结束",
            "a second or third reading within {reading_window_min:g} min decides; without one the worker is told, and "
            "it ends by itself after {suspicion_closes_min:g} min",
        ),
    ),
    "fever": Rule(
        Words(
            "同一人 {reading_window_min:g} 分钟内最多三次读数中两次达到界线，或一次达到 {fever_at_once_celsius:g} ℃",
            "two of at most three readings of one person within {reading_window_min:g} min are at or over the limit, "
            "or one reaches {fever_at_once_celsius:g} °C",
        ),
        Words("由医生处置", "the doctor closes it"),
    ),
    "home-fever": Rule(
        Words(
            "住户体温达到该部位的界线，或报告症状",
            "a household's reading is at or over the limit of its body site, or symptoms are reported",
        ),
        Words("由医生处置", "the doctor closes it"),
    ),
    "missed-visit": Rule(
        Words(
            "上午 {visit_morning} 前或下午 {visit_afternoon} 前的上门没有登记",
            "the morning's visit (by {visit_morning}) or the afternoon's (by {visit_afternoon}) is not recorded",
        ),
        Words("登记了上门", "the visit is recorded"),
    ),
    "missed-call": Rule(
        Words(
            "平安电话晚了 {call_late_min:g} 分钟",
            "the household's wellbeing call is {call_late_min:g} min late",
        ),
        Words("来了电话", "the call comes"),
    ),
    "overdue-check": Rule(
        Words("布置的核查到时没有交回", "a data check that was assigned is not returned by its time"),
        Words("交回了核查", "the check is returned"),
    ),
    "fever-cluster": Rule(
        Words(
            "一栋楼 {cluster_within_h:g} 小时内有 {cluster_subjects:g} 户或人发热",
            "{cluster_subjects:g} subjects of one building have a fever within {cluster_within_h:g} h",
        ),
        Words("由医生处置", "the doctor closes it"),
    ),
    "bridge-down": Rule(
        Words("网关报告离线，或没有消息", "a bridge or gateway of sensors says that it is offline, or is silent"),
        Words("网关或其下任何门磁又有消息", "it, or a sensor behind it, is heard"),
    ),
    "area-silent": Rule(
        Words(
            "一个网格同时有 {area_sensors:g} 个门磁（或 {area_share:.0%} 且至少 {area_least:g} 个）失联或离线",
            "{area_sensors:g} sensors of a grid, or {area_share:.0%} of them and at least {area_least:g}, are silent "
            "or offline at once",
        ),
        Words("{area_heard_share:.0%} 又有消息", "{area_heard_share:.0%} of them are heard again"),
    ),
    "chattering": Rule(
        Words(
            "{chatter_within_min:g} 分钟内开合超过 {chatter_toggles:g} 次；不影响其他警情",
            "a contact toggles more than {chatter_toggles:g} times in {chatter_within_min:g} min; no alarm is "
            "suppressed by it",
        ),
        Words("安静 {chatter_quiet_min:g} 分钟", "it is quiet for {chatter_quiet_min:g} min"),
    ),
    "system": Rule(
        Words(
            "系统自身的一个部分不正常：收不进、不前进、落后、通道失败",
            "a part of Threshold itself is unwell: intake stalled, no progress, sink behind, a channel failing",
        ),
        Words("该部分恢复", "that part is well again"),
    ),
}

LIVES: dict[Life, Words] = {
    "none": Words("没有", "none"),
    "standing": Words("存在", "standing"),
    "cleared": Words("已恢复", "cleared"),
}
MOVES: dict[Move, Words] = {
    "raise": Words("发生", "it happens"),
    "clear": Words("条件结束（要人处置的）", "the condition ends (kinds that want a person)"),
    "clear-itself": Words("条件结束（自行结束的）", "the condition ends (kinds that close by themselves)"),
    "acknowledge": Words("接警", "a role acknowledges"),
    "expire": Words("接警失效", "an acknowledgement expires"),
    "snooze": Words("推后", "put off"),
    "close": Words("处置", "a person closes it"),
    "case-ends": Words("管控结束", "the case ends"),
}
DEEDS: dict[Deed, Words] = {
    "begin": Words("开始，呼叫第 0 步", "begins, step 0 is paged"),
    "count": Words("计一次重复", "a repeat is counted"),
    "begin-afresh": Words("重新开始", "begins afresh"),
    "mark-cleared": Words("标为已恢复，仍等人处置", "marked cleared, waits for a person still"),
    "clear-and-close": Words("结束", "ends"),
    "note-answer": Words("记下，停住定时的步骤", "noted; timed steps wait"),
    "ask-again": Words("再次呼叫", "that role is paged again"),
    "hold": Words("呼叫等到推后结束", "pages wait for its end"),
    "end": Words("结束，记下处置结果", "ends with its disposition"),
    "limit": Words("最多升级到街道", "climbs no further than the supervisor"),
}

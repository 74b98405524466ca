"""What the core says, in Chinese and English: kinds, roles, dispositions, and every reason as one sentence.

A reason is a word with values (`effects.Reason`); its sentence is written here and nowhere else, so that screen, page,
log and replay say the same.  Values that end in `_ms` are times and appear as local clock times.
"""

from datetime import tzinfo
from typing import Literal

from streams import troubles
from streams.effects import Reason
from streams.timetext import clock_text

Language = Literal["zh", "en"]

KINDS: dict[str, dict[Language, str]] = {
    "undeclared-opening": {"zh": "未报备开门", "en": "Undeclared opening"},
    "left-open": {"zh": "门未关", "en": "Door left open"},
    "lost-openings": {"zh": "漏报开门", "en": "Lost openings"},
    "tamper": {"zh": "门磁被拆动", "en": "Sensor tampered with"},
    "sensor-silent": {"zh": "门磁失联", "en": "Sensor silent"},
    "low-battery": {"zh": "电量低", "en": "Low battery"},
    "suspect-reading": {"zh": "体温待复测", "en": "Suspect reading"},
    "fever": {"zh": "发热", "en": "Fever"},
    "home-fever": {"zh": "居家发热", "en": "Fever at home"},
    "missed-visit": {"zh": "未上门", "en": "Missed visit"},
    "missed-call": {"zh": "平安电话未到", "en": "Missed wellbeing call"},
    "overdue-check": {"zh": "核查超时", "en": "Overdue data check"},
    "fever-cluster": {"zh": "聚集发热", "en": "Fever cluster"},
    "bridge-down": {"zh": "网关离线", "en": "Bridge down"},
    "area-silent": {"zh": "片区失联", "en": "Area silent"},
    "chattering": {"zh": "门磁抖动", "en": "Chattering contact"},
    "system": {"zh": "系统故障", "en": "System"},
}
ROLE_NAMES: dict[str, dict[Language, str]] = {
    "worker": {"zh": "社区工作者", "en": "community worker"},
    "police": {"zh": "民警", "en": "police officer"},
    "doctor": {"zh": "医生", "en": "doctor"},
    "guard": {"zh": "值守", "en": "guard"},
    "supervisor": {"zh": "街道", "en": "supervisor"},
    "resident": {"zh": "住户", "en": "resident"},
}
DISPOSITION_NAMES: dict[str, dict[Language, str]] = {
    "true-alarm": {"zh": "属实", "en": "true alarm"},
    "false-alarm": {"zh": "误报", "en": "false alarm"},
    "declared-late": {"zh": "事后报备", "en": "declared late"},
    "device-fault": {"zh": "设备故障", "en": "device fault"},
    "transferred": {"zh": "已移交", "en": "transferred"},
    "test": {"zh": "测试", "en": "test"},
}
SITE_NAMES: dict[str, dict[Language, str]] = {
    "axilla": {"zh": "腋温", "en": "axilla"},
    "ear": {"zh": "耳温", "en": "ear"},
    "forehead": {"zh": "额温", "en": "forehead"},
    "wrist": {"zh": "腕温", "en": "wrist"},
    "neck": {"zh": "颈温", "en": "neck"},
    "": {"zh": "部位未注明", "en": "site not said"},
}

# word → (Chinese, English)
SENTENCES: dict[str, tuple[str, str]] = {
    "": ("", ""),
    # doors
    "opened": ("门开了，没有报备", "the door opened and nothing was declared"),
    "opened-late": (
        "门开了，没有报备；消息迟到 {minutes} 分钟",
        "the door opened and nothing was declared; late by {minutes} min",
    ),
    "found-open": ("发现门开着，{since} 之后某时打开", "found open, since after {since}"),
    "opened-often": ("{minutes:g} 分钟内未报备开门 {count} 次", "{count} undeclared openings within {minutes:g} min"),
    "quiet": ("已安静 {minutes:g} 分钟", "quiet for {minutes:g} min"),
    "left-open": ("门已开 {minutes} 分钟", "the door has been open for {minutes} min"),
    "left-open-declared": (
        "报备至 {until}，门仍开着，已 {minutes} 分钟",
        "declared until {until}, and the door is still open, for {minutes} min now",
    ),
    "left-open-permitted": (
        "准许至 {until}，门仍开着，已 {minutes} 分钟",
        "permitted until {until}, and the door is still open, for {minutes} min now",
    ),
    "still-open": ("门仍开着，已 {minutes} 分钟", "the door is still open, for {minutes} min now"),
    "door-closed": ("门已关", "the door was closed"),
    "lost": ("计数多出 {count} 次未上报的开门", "the sensor counted {count} openings it did not report"),
    "lost-declared": (
        "漏报的 {count} 次开门在报备“{why}”之内",
        "{count} lost openings within what was declared: {why}",
    ),
    "lost-permitted": ("漏报的 {count} 次开门在准许时段内", "{count} lost openings within a permitted window"),
    "declared": ("已报备“{why}”，至 {until}", "declared: {why}, until {until}"),
    "permitted": ("在准许时段内，至 {until}", "within a permitted window, until {until}"),
    "declared-late": ("事后报备“{why}”", "declared late: {why}"),
    "tampered": ("{device} 报告被拆动", "{device} says it is being tampered with"),
    "tamper-over": ("拆动已恢复", "the tamper flag is off"),
    "chattering": ("{minutes:g} 分钟内开合 {count} 次", "{count} toggles within {minutes:g} min"),
    # sensors
    "silent": ("{device} 自 {since} 起没有消息", "nothing heard of {device} since {since}"),
    "offline": ("{device} 自 {since} 起离线", "{device} has been offline since {since}"),
    "never-heard": ("{device} 从未上报", "{device} was never heard"),
    "heard": ("又有消息了", "heard again"),
    "left-fleet": ("设备已移出", "the device left the fleet"),
    "battery-at": ("{device} 电量 {percent:g}%", "the battery of {device} is at {percent:g} %"),
    "battery-low": ("{device} 报告电量低", "{device} says its battery is low"),
    "battery-well": ("电量恢复", "the battery is well again"),
    "bridge-offline": ("网关报告离线", "the bridge says it is offline"),
    "bridge-silent": ("网关 {minutes} 分钟没有消息", "nothing heard of the bridge for {minutes} min"),
    "area-silent": ("{of} 个门磁中 {count} 个同时失联", "{count} of {of} sensors are silent at once"),
    "area-heard": ("{of} 个中 {count} 个恢复", "{count} of {of} are heard again"),
    # temperatures
    "over": ("{celsius:.1f} ℃，达到 {limit:g} ℃ 界限", "{celsius:.1f} °C, at or over the limit of {limit:g} °C"),
    "below": ("{celsius:.1f} ℃，低于 {limit:g} ℃", "{celsius:.1f} °C, below {limit:g} °C"),
    "ambient": (
        "环境 {ambient:g} ℃，读数不可靠",
        "the ambient temperature of {ambient:g} °C makes the reading unreliable",
    ),
    "third": ("一高一低，请测第三次", "one over, one below: measure a third time"),
    "confirm": ("请确认是同一人", "confirm that this is the same person"),
    "two-below": ("两次低于 {limit:g} ℃", "two readings below {limit:g} °C"),
    "two-below-cleared": ("复测两次正常", "two readings below the limit"),
    "let-go": ("一高一低，未测第三次，放行", "one over, one below, no third reading: let go"),
    "decided-fever": ("已判为发热", "decided: a fever"),
    "fever": ("{celsius:.1f} ℃，发热", "{celsius:.1f} °C: a fever"),
    "fever-open": ("此人已判为发热", "this person was found to have a fever"),
    "fever-at-once": ("{celsius:.1f} ℃，一次即判为发热", "{celsius:.1f} °C: a fever at once"),
    "fever-twice": (
        "{celsius:.1f} ℃，两次达到 {limit:g} ℃",
        "{celsius:.1f} °C, the second reading at or over {limit:g} °C",
    ),
    "too-cold": (
        "{celsius:.1f} ℃ 不是体温，暖枪、擦额后重测",
        "{celsius:.1f} °C: no reading, warm the gun and the forehead",
    ),
    "too-hot": ("{celsius:.1f} ℃ 不是体温，请重测", "{celsius:.1f} °C: no reading, measure again"),
    "no-second-reading": ("{minutes:g} 分钟内没有复测", "no second reading within {minutes:g} min"),
    "not-confirmed": ("未确认复测是同一人", "nobody confirmed that the second reading was of the same person"),
    "closes-itself": ("{minutes:g} 分钟后自动关闭", "closes by itself after {minutes:g} min"),
    "home-reading": ("居家体温 {celsius:.1f} ℃，界限 {limit:g} ℃", "{celsius:.1f} °C at home, limit {limit:g} °C"),
    "home-temperature": ("居家体温 {celsius:.1f} ℃", "{celsius:.1f} °C at home"),
    "symptoms": ("症状：{symptoms}", "symptoms: {symptoms}"),
    "cluster": ("{hours:g} 小时内本楼 {count} 例发热", "{count} fevers in this building within {hours:g} h"),
    # rounds
    "visit-morning": ("上午未上门", "the morning visit was not recorded"),
    "visit-afternoon": ("下午未上门", "the afternoon visit was not recorded"),
    "visited": ("已上门", "visited"),
    "call-late": ("平安电话已迟 {minutes:g} 分钟", "the wellbeing call is {minutes:g} min late"),
    "called": ("平安电话已到", "the wellbeing call came"),
    "check-overdue": ("核查 {check} 未按时返回", "check {check} was not returned in time"),
    "check-returned": ("核查 {check} 已返回", "check {check} was returned"),
    "check-assigned": ("核查 {check} 已下派", "check {check} was assigned"),
    # ladders and people
    "acknowledged": ("{by} 已接警", "acknowledged by {by}"),
    "acknowledged-unpaged": ("{by} 在呼叫之前接警，已记下", "noted: {by} answered before being paged"),
    "acknowledgement-expired": (
        "接警已过 {minutes:g} 分钟，仍未处置",
        "acknowledged {minutes:g} min ago and still not dealt with",
    ),
    "not-acknowledged": (
        "{first_name}未在 {minutes:g} 分钟内接警",
        "the {first_name} did not acknowledge within {minutes:g} min",
    ),
    "still-standing": ("{minutes:g} 分钟后仍未解除", "still standing after {minutes:g} min"),
    "not-closed": ("{minutes:g} 分钟未处置", "not closed within {minutes:g} min"),
    "closed-by": ("{by} 处置：{disposition_name}", "closed by {by}: {disposition_name}"),
    "case-ended": ("管控结束", "the case has ended"),
    "case-opened": ("开始管控，至 {until}", "case opened, until {until}"),
    "case-closed": ("解除管控", "case closed"),
    "snoozed": ("稍后处理，至 {until}：{why}", "snoozed until {until}: {why}"),
    "muted": ("静音至 {until}：{why}", "muted until {until}: {why}"),
    "retest": ("值守确认是同一人", "the guard confirms: the same person"),
    "registered": ("通行已登记 {household}", "the pass was registered {household}"),
    # ourselves
    "system-unwell": ("{part}：{detail}", "{part}: {detail}"),
    "system-well": ("{part} 恢复正常", "{part} is well again"),
    # refusals
    "malformed": ("看不懂：{detail}", "malformed: {detail}"),
    "unknown-device": ("未知设备：{detail}", "unknown device: {detail}"),
    "unknown-topic": ("未知主题：{detail}", "unknown topic: {detail}"),
    "implausible": ("不可信的数值：{detail}", "implausible: {detail}"),
    "too-large": ("消息过大：{detail}", "too large: {detail}"),
    "forbidden-topic": ("不许使用的主题：{detail}", "forbidden topic: {detail}"),
    "no-open-incident": ("没有未处置的警情：{detail}", "no open incident: {detail}"),
    "unknown-subject": ("查无此对象：{detail}", "unknown subject: {detail}"),
    "not-allowed": ("不允许：{detail}", "not allowed: {detail}"),
}


def name(table: dict[str, dict[Language, str]], word: str, language: Language) -> str:
    """The name of `word` in `language`, or the word itself."""
    row = table.get(word)
    return row[language] if row else word


def sentence(reason: Reason, language: Language, zone: tzinfo) -> str:
    """A reason as a sentence.  A word this release does not know is said as it is."""
    texts = SENTENCES.get(reason.word)
    if texts is None:
        return reason.word
    values: dict[str, str | int | float] = {}
    for key, value in reason.values.items():
        if key.endswith("_ms") and key != "late_ms" and isinstance(value, int):
            values[key[:-3]] = clock_text(value, zone)
        values[key] = value
    if "first" in values:
        values["first_name"] = name(ROLE_NAMES, str(values["first"]), language)
    if reason.word == "system-unwell" and "code" in values:
        values["detail"] = troubles.said(str(values["code"]), values, str(values.get("detail", "")), language)
    if "disposition" in values:
        values["disposition_name"] = name(DISPOSITION_NAMES, str(values["disposition"]), language)
    try:
        return texts[0 if language == "zh" else 1].format(**values)
    except (KeyError, ValueError, IndexError):
        # A reason written by another release may carry other values: say what is there.
        return f"{reason.word}: " + ", ".join(f"{k}={v}" for k, v in reason.values.items())

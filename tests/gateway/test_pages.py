import json
from zoneinfo import ZoneInfo

import msgspec

from gateway.pages import Raised, page_of, pages_in, receipt
from streams.effects import Answer, Cause, Decision, Noted, Reason

SHANGHAI = ZoneInfo("Asia/Shanghai")
CAUSE = Cause("door-1", 1_581_816_600_123, 1_581_816_601_000, "e")
PAGE = Decision(
    1_581_816_605_000,
    "page",
    "g017",
    subject="g017/3/1203",
    kind="undeclared-opening",
    incident="g017/3/1203/undeclared-opening/1",
    reason=Reason("opened"),
    role="worker",
    step=1,
    page="g017/3/1203/undeclared-opening/1#1.worker.1",
    cause=CAUSE,
)
RAISED = msgspec.structs.replace(PAGE, t_ms=1_581_816_601_000, decision="raised", page="", role="", step=0)


def said(page) -> dict:
    return json.loads(page.payload)


def test_a_page_says_what_happened_where_and_when():
    page = page_of(PAGE, 1_581_816_601_000, SHANGHAI)
    assert page.topic == "threshold/pages/g017/worker"
    found = said(page)
    assert set(found.pop("reason")) == {"zh", "en"}
    assert found == {
        "page": "g017/3/1203/undeclared-opening/1#1.worker.1",
        "incident": "g017/3/1203/undeclared-opening/1",
        "kind": "undeclared-opening",
        "subject": "g017/3/1203",
        "grid": "g017",
        "role": "worker",
        "step": 1,
        "raised_at": "2020-02-16T09:30:01.000+08:00",
        "event": {
            "device": "door-1",
            "at": "2020-02-16T09:30:00.123+08:00",
            "received_at": "2020-02-16T09:30:01.000+08:00",
        },
    }


def test_a_page_without_a_device_says_so():
    found = said(page_of(msgspec.structs.replace(PAGE, cause=Cause(by="w1")), 0, SHANGHAI))
    assert found["event"] == {"device": "", "at": None, "received_at": None}


def test_a_later_step_tells_when_the_incident_was_raised():
    raised = Raised()
    [page] = pages_in([RAISED, Noted(0, "g017", "s", "k", "i", Reason("x")), PAGE], raised, SHANGHAI)
    assert said(page)["raised_at"] == "2020-02-16T09:30:01.000+08:00"


def test_only_pages_go_out():
    answer = Answer(0, "g017", "g017/north", "gun-1", "s", "pass", 36.5, 36.9, "forehead", Reason("x"))
    assert pages_in([RAISED, answer], Raised(), SHANGHAI) == []


def test_a_repeat_is_when_it_was_raised_and_a_closed_one_is_forgotten():
    raised = Raised()
    raised.see(RAISED)
    raised.see(msgspec.structs.replace(RAISED, decision="repeated", t_ms=7))
    assert raised.at_ms(PAGE) == 7
    raised.see(msgspec.structs.replace(RAISED, decision="closed"))
    assert raised.at_ms(PAGE) == PAGE.t_ms


def test_a_receipt_carries_what_latency_is_counted_from():
    found = receipt(page_of(PAGE, 0, SHANGHAI), "siren-1/worker", "accepted", 99)
    assert (found.page, found.channel, found.outcome, found.detail) == (PAGE.page, "mqtt", "accepted", "siren-1/worker")
    assert (found.at_ms, found.caused_at_ms, found.caused_received_ms) == (99, CAUSE.at_ms, CAUSE.received_ms)

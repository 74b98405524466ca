import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streams.frames import Receipt
from streams.troubles import Trouble
from tests.duty.edge.office import NOW_MS, Office
from tests.duty.edge.peers import Says, peer


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with peer() as made:
        office = Office(tmp_path, made).team()
        yield office
        await office.close()


async def test_a_page_reaches_the_one_on_duty_and_is_recorded_with_its_answer(office: Office) -> None:
    page = office.page()
    office.dispatcher.take([page], [], [])
    await office.until(1)
    assert office.told == ["wang"]
    (attempt,) = office.store.attempts(page=page.id)
    assert (attempt.person, attempt.channel, attempt.kind, attempt.outcome) == (
        "wang",
        "wang-robot",
        "wecom",
        "accepted",
    )
    assert attempt.finished_ms is not None
    assert [receipt.page for receipt in office.receipts] == [page.id]
    text = office.peer.requests[0].json["text"]["content"]
    assert "未报备开门 · 3 栋 1" in text
    told = office.links.answer(text.rpartition("/a/")[2], office.now_ms)
    assert told is not None
    assert (told.page, told.person, told.role) == (page.id, "wang", "worker")


async def test_without_an_answer_it_climbs_and_with_one_it_stops(office: Office) -> None:
    page = office.page()
    office.dispatcher.take([page], [], [])
    await office.until(130)
    assert office.told == ["wang", "li"]
    office.dispatcher.take([], [], [office.incident(page, "acknowledged", by="li")])
    await office.until(3600)
    assert office.told == ["wang", "li"]
    assert office.store.deliveries(incident=page.incident)[0].has("answered")
    assert office.dispatcher.delivery(page.id) is None


async def test_an_answer_of_before_the_page_is_none(office: Office) -> None:
    """An acknowledgement that expired: the role is paged again, and its old answer does not silence that page."""
    page = office.page()
    before = office.incident(page, "acknowledged")
    office.now_ms += 60_000
    again = office.page()
    office.dispatcher.take([again], [], [before])
    await office.until(200)
    assert office.told == ["wang", "li"]


async def test_closing_ends_it(office: Office) -> None:
    page = office.page()
    office.dispatcher.take([page], [], [])
    await office.until(1)
    office.dispatcher.take([], [office.incident(page, "closed")], [])
    await office.until(3600)
    assert office.told == ["wang"]


async def test_what_was_answered_while_the_desk_was_away_is_told_to_nobody(office: Office) -> None:
    page = office.page()
    office.dispatcher.take([page], [], [office.incident(page, "acknowledged")])
    await office.until(10)
    assert office.told == []


async def test_what_is_a_day_old_is_told_to_nobody(office: Office) -> None:
    page = office.page()
    office.now_ms += 25 * 3_600_000
    office.dispatcher.take([page], [], [])
    await office.turn()
    assert office.told == []


async def test_an_error_within_a_200_is_no_telling(office: Office) -> None:
    office.answers["wang"] = {"errcode": 93000, "errmsg": "invalid webhook url"}
    page = office.page()
    office.dispatcher.take([page], [], [])
    await office.until(1)
    assert office.told == ["wang", "li"]
    assert [a.outcome for a in office.store.attempts(page=page.id)] == ["accepted", "gave-up"]
    assert office.dispatcher.delivery(page.id).has("undeliverable")  # type: ignore[union-attr]
    assert office.dispatcher.not_told()[0].page.id == page.id


async def test_a_kind_of_channel_that_fails_is_reported_once_and_so_is_its_recovery(office: Office) -> None:
    for name in ("wang", "li", "boss"):
        office.answers[name] = Says(500)
    office.dispatcher.take([office.page()], [], [])
    await office.until(40)
    assert office.reports == [("channel-wecom", False, Trouble("channel-failing", {"why": "HTTP 500"}))]
    office.answers.clear()
    await office.until(200)
    assert office.reports[1:] == [("channel-wecom", True, "")]


# ── crashes ──


async def test_a_crash_before_anything_was_sent(office: Office) -> None:
    page = office.page()
    office.dispatcher.take([page], [], [])
    office.dispatcher.absorb()
    office.save()
    await office.die()
    await office.until(2)
    assert office.told == ["wang"]
    assert [a.repeat for a in office.store.attempts(page=page.id)] == [True, False]


async def test_a_crash_between_sent_and_recorded_tells_again_and_says_perhaps(office: Office) -> None:
    page = office.page()
    office.dispatcher.take([page], [], [])
    office.dispatcher.absorb()
    office.save()
    office.dispatcher.go()
    await asyncio.wait_for(office.peer.asked.wait(), 60)
    await office.die()
    await office.until(2)
    assert office.told == ["wang", "wang"]
    assert "可能重复" in office.peer.requests[1].json["text"]["content"]
    last, first = office.store.attempts(page=page.id)
    assert (first.outcome, first.detail) == ("try-later", "the desk was ended in the middle of it")
    assert (last.outcome, last.repeat) == ("accepted", True)


async def test_a_crash_after_it_was_recorded_tells_nobody_again(office: Office) -> None:
    office.dispatcher.take([office.page()], [], [])
    await office.turn()
    await office.die()
    await office.until(60)
    assert office.told == ["wang"]
    await office.until(125)  # and the deadline has survived
    assert office.told == ["wang", "li"]


async def test_a_restart_after_the_deadline_tells_at_once(office: Office) -> None:
    office.dispatcher.take([office.page()], [], [])
    await office.turn()
    await office.die()
    office.now_ms = NOW_MS + 300_000
    await office.turn()
    assert office.told == ["wang", "li"]


async def test_the_same_page_read_again_from_the_log_is_told_once(office: Office) -> None:
    page = office.page()
    office.dispatcher.take([page], [], [])
    await office.turn()
    office.dispatcher.take([page], [], [])
    await office.turn()
    office.dispatcher.take([], [office.incident(page, "closed")], [])
    await office.turn()
    office.dispatcher.take([page], [], [])
    await office.turn()
    assert office.told == ["wang"]


# ── many ──


async def test_a_hundred_pages_at_once_are_few_messages_and_every_one_is_told(office: Office) -> None:
    pages = [office.page(number) for number in range(100)]
    office.dispatcher.take(pages, [], [])
    await office.until(100)
    assert office.told.count("wang") == 1
    told = {a.page for a in office.store.attempts(since_ms=0, person="wang", limit=1000)}
    assert told == {page.id for page in pages}
    assert "100 条" in office.peer.requests[0].json["text"]["content"]


async def test_ten_in_ten_minutes_call_the_second_person_at_once(office: Office) -> None:
    for number in range(10):
        office.dispatcher.take([office.page(number, kind="tamper")], [], [])
        office.now_ms += 6_000
        await office.turn()
    assert "li" not in office.told
    assert office.dispatcher.loads["wang"].in_ten_minutes(office.now_ms) == 10
    office.dispatcher.take([office.page(99, kind="left-open")], [], [])
    await office.turn()
    assert office.told[-2:] in (["wang", "li"], ["li", "wang"])


async def test_what_a_person_was_told_is_remembered_over_a_restart(office: Office) -> None:
    for number in range(3):
        office.dispatcher.take([office.page(number)], [], [])
        office.now_ms += 6_000
        await office.turn()
    await office.die()
    assert office.dispatcher.loads["wang"].per_hour(office.now_ms) == 3


# ── the desk, sirens, screens ──


async def test_who_has_no_channel_is_told_at_the_desk_if_there(office: Office) -> None:
    office.store.delete_channel("wang-robot")
    with office.dispatcher.presence("wang"):
        office.dispatcher.take([office.page(1)], [], [])
        await office.until(1)
    assert office.told == []
    office.dispatcher.take([office.page(2)], [], [])
    await office.until(10)
    assert office.told == ["li"]


async def test_what_a_siren_accepted_is_in_the_history(office: Office) -> None:
    page = office.page()
    receipt = Receipt(office.now_ms, "g017", page.id, "mqtt", "accepted", "siren-1/worker")
    office.dispatcher.received(receipt)
    office.dispatcher.received(Receipt(office.now_ms, "g017", page.id, "wecom", "accepted"))
    assert office.dispatcher.has_something_to_save()
    office.save()
    (attempt,) = office.store.attempts(incident=page.incident)
    assert (attempt.kind, attempt.channel, attempt.role) == ("siren", "mqtt:siren-1/worker", "worker")
    assert await office.sirens.outcome(page.id, "siren-1", 0.1) == "accepted"


async def test_the_screens_are_told_of_each_step(office: Office) -> None:
    page = office.page()
    office.dispatcher.take([page], [], [])
    await office.turn()
    assert {(t.what, t.key, t.grid) for t in office.touched} == {("delivery", page.id, "g017")}
    assert [one.page.id for one in office.dispatcher.deliveries_of(page.incident)] == [page.id]


async def test_a_page_that_ends_while_a_screen_asks_is_left_out(office: Office) -> None:
    page = office.page()
    office.dispatcher.take([page], [], [])
    await office.turn()
    assert office.dispatcher.deliveries_of(page.incident)
    del office.dispatcher._deliveries[page.id]  # as between the two steps by which the loop forgets it
    assert office.dispatcher.deliveries_of(page.incident) == []


async def test_the_test_button(office: Office) -> None:
    channel = office.store.channels("wang")[0]
    assert (await office.dispatcher.try_out(channel)).outcome == "accepted"
    assert "测试" in office.peer.requests[0].json["text"]["content"]
    office.answers["wang"] = {"errcode": 93000, "errmsg": "invalid webhook url"}
    answer = await office.dispatcher.try_out(channel)
    assert (answer.outcome, answer.detail) == ("gave-up", "93000: invalid webhook url")
    assert office.store.attempts() == []

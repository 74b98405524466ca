import asyncio

import pytest

from duty.edge.presence import RECEIPTS_KEPT, Presence, Sirens, as_attempt
from streams.frames import Receipt


def receipt(page: str = "i#0.worker.1", detail: str = "siren-1/worker", outcome: str = "accepted") -> Receipt:
    return Receipt(5, "g017", page, "mqtt", outcome, detail)


def test_who_has_two_screens_is_there_until_both_are_closed() -> None:
    presence = Presence()
    with presence.of("wang"):
        with presence.of("wang"):
            assert presence.has("wang")
        assert presence.has("wang")
    assert not presence.has("wang")


async def test_a_siren_may_have_accepted_before_it_was_asked_about() -> None:
    sirens = Sirens()
    sirens.received(receipt())
    assert await sirens.outcome("i#0.worker.1", "siren-1", 0.01) == "accepted"
    assert await sirens.outcome("i#0.worker.1", "siren-2", 0.01) is None
    assert await sirens.outcome("other", "siren-1", 0.01) is None


async def test_a_siren_that_accepts_while_it_is_waited_for() -> None:
    sirens = Sirens()
    waiting = asyncio.ensure_future(sirens.outcome("i#0.worker.1", "broker", 60))
    await asyncio.sleep(0)
    await asyncio.to_thread(sirens.received, receipt(detail="siren-1/worker"))
    await asyncio.to_thread(sirens.received, receipt(detail="broker"))
    assert await waiting == "accepted"


def test_memory_has_an_end() -> None:
    sirens = Sirens()
    for number in range(RECEIPTS_KEPT + 10):
        sirens.received(receipt(page=str(number)))
    assert len(sirens._outcomes) == RECEIPTS_KEPT


def test_a_receipt_as_an_attempt() -> None:
    attempt = as_attempt(receipt(page="g017/3/1203/tamper/1#1.police.2"))
    assert attempt is not None
    assert (attempt.incident, attempt.role, attempt.outcome) == ("g017/3/1203/tamper/1", "police", "accepted")
    assert as_attempt(receipt(page="g017/3/1203/tamper/1#1.police.2")) == attempt


@pytest.mark.parametrize("page", ["", "no-mark", "i#", "i#0.worker", "i#0.a.b.c"])
def test_what_is_no_page_id_is_no_attempt(page: str) -> None:
    assert as_attempt(receipt(page=page)) is None
    assert as_attempt(receipt(outcome="odd")) is None

from duty.attempts import attempt_id


def test_an_attempts_id_comes_from_its_cause() -> None:
    one = attempt_id("p#0.worker.1", "wang", 1)
    assert one == attempt_id("p#0.worker.1", "wang", 1)
    assert len(bytes.fromhex(one)) == 12
    assert len({one, attempt_id("p", "wang", 1), attempt_id("p#0.worker.1", "li", 1), attempt_id("p", "wang", 2)}) == 4

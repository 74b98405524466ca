from hypothesis import given
from hypothesis import strategies as st

from devices.ids import event_id, incident_id, page_id, partition_of, stable_hash


def test_a_hash_is_the_same_in_every_process_and_release() -> None:
    # Written down once: a change here would move every grid to another partition.
    assert stable_hash("g017") == 0xC173CE265406487D
    assert [partition_of(f"g{n:03d}", 4) for n in range(8)] == [2, 1, 2, 3, 3, 1, 2, 3]
    assert partition_of("g017", 1) == 0


@given(st.text(), st.integers(1, 64))
def test_every_grid_has_its_partition(grid: str, partitions: int) -> None:
    assert 0 <= partition_of(grid, partitions) < partitions
    assert partition_of(grid, partitions) == partition_of(grid, partitions)


@given(st.tuples(st.text(), st.text(), st.binary()), st.tuples(st.text(), st.text(), st.binary()))
def test_an_id_is_its_cause(one: tuple[str, str, bytes], other: tuple[str, str, bytes]) -> None:
    assert event_id(*one) == event_id(*one)
    assert len(event_id(*one)) == 16 and bytes.fromhex(event_id(*one))
    if "\0" not in "".join((*one[:2], *other[:2])):
        assert (event_id(*one) == event_id(*other)) is (one == other)


def test_incidents_and_pages() -> None:
    incident = incident_id("g017/3/1203", "fever", 2)
    assert incident == "g017/3/1203/fever/2"
    assert page_id(incident, 1, "worker", 3) == "g017/3/1203/fever/2#1.worker.3"

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.edge.vitals import Vitals, free_percent
from tests.gateway.edge.harness import Inside
from tests.gateway.worlds import message


def vitals_of(inside: Inside) -> Vitals:
    return Vitals(
        inside.gate,
        inside.folder,
        listener=inside.listener,
        broker=None,
        pages=None,
        started_ms=1,
        now_ms=lambda: inside.now_ms,
    )


async def test_health_tells_what_is_counted(tmp_path):
    async with Inside(tmp_path) as inside:
        client = await inside.client()
        inside.gate.take(message())
        inside.gate.take(message("zigbee2mqtt/door-9"))
        inside.gate.when_durable(None)
        inside.gate.count(2, 34)
        await inside.durable()
        health = vitals_of(inside).health()
        assert health["well"] is True
        assert health["messages"] == 2
        assert health["rejects"]["unknown-device"] == 1
        assert health["direct"]["clients"] == 1
        assert health["inbox"]["commits"] >= 1
        assert health["inbox"]["commit_ms_p99"] > 0
        assert health["broker"] is None
        client.close()


async def test_health_says_that_the_disk_is_full(tmp_path):
    async with Inside(tmp_path) as inside:
        inside.writer.trouble = "the disk is full"
        inside.gate.take(message())
        inside.gate.when_durable(None)
        await inside.until(lambda: inside.gate.flow.failing)
        inside.now_ms += 3000
        health = vitals_of(inside).health()
        assert health["well"] is False
        assert (health["inbox"]["trouble"], health["inbox"]["failing_s"]) == ("the disk is full", 3.0)


async def test_prometheus_can_read_the_same(tmp_path):
    async with Inside(tmp_path) as inside:
        client = await inside.client()
        inside.gate.take(message())
        inside.gate.when_durable(None)
        inside.gate.count(1, 17)
        await inside.durable()
        found = {
            (sample.name, tuple(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(vitals_of(inside).metrics())
            for sample in family.samples
        }
        assert found[("threshold_gateway_messages_total", ())] == 1
        assert found[("threshold_gateway_connections", ())] == 1
        assert found[("threshold_gateway_inbox_well", ())] == 1
        assert found[("threshold_gateway_rejects_total", ("malformed",))] == 0
        assert found[("threshold_gateway_connection_events_total", ("accepted_connections",))] == 1
        client.close()


def test_free_space_is_a_share(tmp_path):
    assert free_percent(tmp_path) == pytest.approx(50, abs=50)

import pytest

from duty.edge.channels.wecom import cut
from tests.duty.edge.channels.test_outcomes import TEXT, WELL, Peer, Says, Tools, send, tools, vendor

__all__ = ["tools", "vendor"]


async def test_wecom(tools: Tools, vendor: Peer) -> None:
    vendor.says = lambda _: Says(200, WELL["wecom"])
    await send(tools, "wecom", vendor.url, options={"mention": "wang @all"})
    (request,) = vendor.requests
    assert request.path == "/hook?key=K3Y"
    assert request.json == {
        "msgtype": "text",
        "text": {"content": TEXT.plain(), "mentioned_list": ["wang", "@all"]},
    }


@pytest.mark.parametrize("most", [60, 100, 2048])
def test_a_long_text_is_cut_in_bytes_and_keeps_its_last_line(most: int) -> None:
    text = "门" * 2000 + "\n接警：https://desk/a/x"
    short = cut(text, most)
    assert len(short.encode()) <= most
    assert short.endswith("接警：https://desk/a/x")
    assert cut("short", most) == "short"


def test_a_last_line_longer_than_all_there_is_room_for() -> None:
    assert len(cut("a\n" + "门" * 100, 30).encode()) <= 30

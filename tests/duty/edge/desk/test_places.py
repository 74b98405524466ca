"""Places as people say them, and the pages about them."""

import pytest

from duty.edge.desk.places import address_of, name_of, short_grid


@pytest.mark.parametrize(
    ("subject", "where", "chinese", "english"),
    [
        ("g017/3/1203", "household", "3 栋 1203", "Building 3 · 1203"),
        ("g017/3", "building", "3 栋", "Building 3"),
        ("g017/north/A-0193", "pass", "north 卡点 · 通行 A-0193", "Checkpoint north · pass A-0193"),
        ("g017/north/gun-1@2020-02-16T02:33:00+08:00", "pass", "north 卡点 · 02:33 测温者",
         "Checkpoint north · person measured 02:33"),
        ("g017/north", "checkpoint", "north 卡点", "Checkpoint north"),
        ("bridge/z2m-17", "bridge", "网关 z2m-17", "Bridge z2m-17"),
        ("system/intake", "system", "系统 · intake", "System · intake"),
        ("g017", "grid", "17 网格", "Grid 17"),
        ("odd", "household", "odd", "odd"),
    ],
)  # fmt: skip
def test_a_subject_has_a_name(subject: str, where: str, chinese: str, english: str) -> None:
    assert name_of(subject, where, "zh") == chinese
    assert name_of(subject, where, "en") == english


@pytest.mark.parametrize(
    ("grid", "short"), [("g017", "17"), ("g000", "g000"), ("惠民", "惠民"), ("north", "north"), ("g", "g")]
)
def test_a_grid_is_called_by_its_number(grid: str, short: str) -> None:
    assert short_grid(grid) == short


@pytest.mark.parametrize(
    ("subject", "where", "address"),
    [
        ("g017/3/1203", "household", "/g/g017/h/3/1203"),
        ("g017/3", "building", "/g/g017/buildings/3"),
        ("g017/north/A-0193", "pass", "/g/g017/c/north"),
        ("g017", "grid", "/g/g017/buildings"),
        ("system/intake", "system", "/system"),
        ("bridge/x", "bridge", ""),
        ("g017/楼 3/1203", "household", "/g/g017/h/%E6%A5%BC%203/1203"),
    ],
)
def test_a_subject_has_a_page(subject: str, where: str, address: str) -> None:
    assert address_of(subject, where, "g017") == address

from devices.fleet import Bridge, Case, Device, Fleet


def device(name: str, topic: str, grid: str = "g017") -> Device:
    return Device(id=name, format="zigbee2mqtt", topic=topic, where="household", place=f"{grid}/3/1203", grid=grid)


def test_the_bridge_with_the_longest_prefix() -> None:
    near = Bridge(id="near", topic="z/a/bridge/state", grid="g017", devices="z/a/")
    far = Bridge(id="far", topic="z/bridge/state", grid="g017", devices="z/")
    none = Bridge(id="none", topic="x", grid="g017")
    fleet = Fleet(bridges={b.id: b for b in (far, near, none)})
    assert fleet.bridge_of(device("d", "z/a/door")) == "near"
    assert fleet.bridge_of(device("d", "z/b/door")) == "far"
    assert fleet.bridge_of(device("d", "q/door")) == ""


def test_grids_named_anywhere() -> None:
    fleet = Fleet(
        devices={"a": device("a", "t", "g002")},
        bridges={"b": Bridge(id="b", topic="x", grid="g003")},
        cases=(Case(household="g001/1/1", from_ms=0, until_ms=1),),
    )
    assert fleet.grids() == ["g001", "g002", "g003"]

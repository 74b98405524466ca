import dataclasses

import pytest

from duty.edge.parts import Parts


def test_the_parts_are_handed_over_as_one_value_that_nobody_changes() -> None:
    names = [field.name for field in dataclasses.fields(Parts)]
    parts = Parts(**dict.fromkeys(names))
    with pytest.raises(dataclasses.FrozenInstanceError):
        parts.store = None  # type: ignore[misc]

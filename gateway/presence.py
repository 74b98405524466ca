"""What a direct connection itself says of its device: it is there, or it was cut off."""

from typing import Literal

EndedBy = Literal["client", "protocol", "network", "server"]


def was_cut_off(by: str, has_will: bool, connected_ms: int, heard_ms: int, keep_alive_s: int) -> bool:
    """Does the end of this connection mean that its device is offline?

    Not after a goodbye, nor when we ended it ourselves.  Not when the client left a will: that says it in the device's
    own words.  And not of a device that comes, speaks and sleeps without a goodbye, as many battery sensors do: only
    one that kept its connection alive, that is was heard again a keep-alive after it came, is missed when it is lost.
    """
    if has_will or by not in ("protocol", "network"):
        return False
    return heard_ms - connected_ms >= keep_alive_s * 1000

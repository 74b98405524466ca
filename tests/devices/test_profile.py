from devices.formats import table
from devices.profile import Profile


def test_every_format_says_what_its_devices_can_tell() -> None:
    for name, row in table().items():
        profile = row.profile
        assert isinstance(profile, Profile)
        assert profile.report_every_s is None or 60 <= profile.report_every_s <= 172_800, name

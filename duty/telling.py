"""How people are told: every number as a row, with its default.  A site's own are in `telling.toml`."""

import msgspec


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """Times carry their unit in the name."""

    # One channel of one person
    retry_pauses_s: tuple[float, ...] = (5, 15)  # after "try later": so many further tries, each after its pause
    longest_wait_s: float = 30  # a vendor that asks for a longer pause is passed over for the next channel
    unsure_after_s: float = 60  # nobody can say what became of it: the next channel is tried too, after this
    timeout_s: float = 10  # what has not answered by then is tried again

    # One person: when every channel has failed
    round_pauses_s: tuple[float, ...] = (60, 120, 300, 600)  # begin again after this; the last pause goes on

    # One page
    next_person_after_s: float = 120  # without an answer the role's next person is told too
    supervisor_after_s: float = 600  # without an answer of an urgent page the supervisor is told too
    supervisor_after_calm_s: float = 3600  # the same for a page that is not urgent
    lives_s: float = 24 * 3600  # after this nobody is told any more; the incident stays on the desk

    # What one person can take (ISA-18.2)
    bundle_within_s: float = 5  # the same again within this goes out as one message
    flood_bundle_within_s: float = 60  # in a flood: one message for each cause and place in this time
    most_per_hour: int = 12  # past this only urgent pages come at once, the others as a summary
    summary_every_s: float = 600
    second_person_at: int = 10  # so many pages within 10 min, and the next person is called at once

    # Privacy
    contacts_keep_days: float = 7  # after the release of a case the key of its contacts is destroyed
    say_fever: bool = False  # whether a message that leaves the house may name a fever

    # The watchdog
    test_every_s: float = 300  # a test alarm through the real path
    test_late_after_s: float = 60  # one that took longer is reported

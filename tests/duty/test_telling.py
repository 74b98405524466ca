from duty.telling import Telling


def test_the_defaults_are_those_of_the_rules() -> None:
    rows = Telling()
    assert rows.next_person_after_s == 120
    assert rows.most_per_hour == 12
    assert rows.second_person_at == 10
    assert rows.contacts_keep_days == 7
    assert rows.test_every_s == 300
    # A dead provider must have been left for the next channel within a minute.
    assert sum(rows.retry_pauses_s) + (len(rows.retry_pauses_s) + 1) * rows.timeout_s < 60

from streams.progress import Progress, Stuck


def test_a_partition_at_its_end_waits_for_nothing():
    progress = Progress()
    progress.seen(0, 7, 7, now_s=0)
    progress.seen(0, 7, 7, now_s=1000)
    assert progress.stuck(60, now_s=1000) == []
    assert progress.lags() == {0: 0}


def test_one_that_stands_while_frames_wait_is_stuck_after_its_time_and_not_before():
    progress = Progress()
    progress.seen(3, 7, 9, now_s=0)
    progress.seen(3, 7, 12, now_s=59)
    assert progress.stuck(60, now_s=59.9) == []
    progress.seen(3, 7, 12, now_s=60)
    assert progress.stuck(60, now_s=60) == [Stuck(3, 7, 12, 60)]
    assert str(Stuck(3, 7, 12, 60)) == "partition 3 has stood at frame 7 of inbox for 60 s while 5 wait"


def test_it_stands_from_when_frames_came_not_from_when_it_came_to_its_end():
    progress = Progress()
    progress.seen(0, 7, 7, now_s=0)
    progress.seen(0, 7, 8, now_s=500)
    progress.seen(0, 7, 8, now_s=559)
    assert progress.stuck(60, now_s=559) == []
    assert [each.for_s for each in progress.stuck(60, now_s=560)] == [60]


def test_a_slow_one_is_not_stuck():
    progress = Progress()
    for second in range(0, 600, 50):
        progress.seen(0, second, 10_000, now_s=second)
        assert progress.stuck(60, now_s=second + 49) == []


def test_each_partition_stands_for_itself():
    progress = Progress()
    for second in (0, 100):
        progress.seen(0, second, 500, now_s=second)
        progress.seen(1, 3, 500, now_s=second)
    assert [each.partition for each in progress.stuck(60, now_s=100)] == [1]
    assert progress.lags() == {0: 400, 1: 497}
    assert progress.places() == {0: (100, 500), 1: (3, 500)}


def test_while_nothing_can_be_seen_no_time_counts():
    progress = Progress()
    progress.seen(0, 7, 9, now_s=0)
    progress.blind()
    progress.seen(0, 7, 9, now_s=100)
    assert progress.stuck(60, now_s=100) == []
    progress.seen(0, 7, 9, now_s=160)
    assert [each.for_s for each in progress.stuck(60, now_s=160)] == [60]


def test_reading_what_it_remembers_is_moving_on():
    progress = Progress()
    for second in range(0, 600, 50):
        progress.seen(0, 7, 9, now_s=second, restored=second)
        assert progress.stuck(60, now_s=second + 49) == []
    progress.seen(0, 7, 9, now_s=600, restored=550)
    progress.seen(0, 7, 9, now_s=610, restored=550)
    assert [each.for_s for each in progress.stuck(60, now_s=610)] == [60]


def test_a_new_owner_does_not_pay_for_the_one_before():
    progress = Progress()
    progress.seen(0, 7, 9, now_s=0)
    progress.seen(0, 7, 9, now_s=100)
    assert progress.stuck(60, now_s=100)
    progress.seen(0, 7, 9, now_s=110, ours=True)
    assert progress.stuck(60, now_s=169) == []
    progress.seen(0, 7, 9, now_s=170, ours=True)
    assert [each.for_s for each in progress.stuck(60, now_s=170)] == [60]

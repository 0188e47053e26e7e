"""How long a training took."""

import time

from litmine.training.progress import Pace


def test_time_stands_still_after_the_last_step() -> None:
    pace = Pace(2, lambda _: None)
    time.sleep(0.01)
    pace.step(100, 1.0)
    took = pace.seconds
    assert took >= 0.01
    time.sleep(0.01)
    assert pace.seconds == took
    pace.go_on([2.0], 300, 60.0)
    assert (pace.steps, pace.tokens) == (2, 300)
    assert pace.seconds >= 60.0

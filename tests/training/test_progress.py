"""The wall time of a training."""

import time

from litmine.training.progress import TrainingProgress


def test_time_ends_at_the_last_step_and_includes_earlier_runs() -> None:
    progress = TrainingProgress(2, lambda _: None)
    time.sleep(0.01)
    progress.step(100, 1.0)
    seconds = progress.seconds
    assert seconds >= 0.01
    time.sleep(0.01)
    assert progress.seconds == seconds
    progress.restore([2.0], 300, 60.0)
    assert (progress.steps, progress.tokens) == (2, 300)
    assert progress.seconds >= 60.0

"""`run --dry-run`: what each step would do now, and how long it would take as earlier runs went. Writes nothing."""

from collections.abc import Iterator

from litmine.errors import LitmineError
from litmine.lake.place import Place
from litmine.work.job.rates import Rates
from litmine.work.job.settings import Job
from litmine.work.job.step import Forecast, Step
from litmine.work.job.steps import open_lake, steps_of


def forecast(job: Job, lake: Place) -> Iterator[tuple[Step, Forecast]]:
    """Each step of the job with its forecast, as it is made. Raises LakeError for what is no lake."""
    rates = Rates.of(open_lake(lake))
    coming = 0
    for step in steps_of(job):
        try:
            told = step.forecast(lake, rates, coming)
        except LitmineError as error:
            told = Forecast(str(error))
        coming += told.records
        yield step, told

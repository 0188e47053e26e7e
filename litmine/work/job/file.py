"""Jobs as TOML: those that come with litmine, by name, and one's own, by path."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from litmine.errors import SettingError
from litmine.packaged import packaged
from litmine.settings import checked, did_you_mean, find_settings, made, names_in, read_toml
from litmine.work.job.after import AFTER, After
from litmine.work.job.settings import Job


def jobs_folder() -> Path:
    """The jobs that come with litmine."""
    return packaged("jobs")


def job_names() -> list[str]:
    """The jobs that come with litmine."""
    return names_in(jobs_folder())


def read_job(reference: str) -> Job:
    """The job of that name or in that file, called as the file is.

    Raises SettingError for one that is not there, for keys that no job has, with the nearest one, and for values that
    make no sense.
    """
    file = find_settings(reference, jobs_folder(), "job")
    read = read_toml(file)
    if "name" in read:
        raise SettingError(f"{file} sets name; a job is called as its file is")
    try:
        after = _after(file, read.pop("after", []))
        return Job(**checked(file, Job, {**read, "name": file.stem}, "job"), after=after)
    except SettingError as error:
        if str(error).startswith(str(file)):
            raise
        raise SettingError(f"{file}: {error}") from None


def _after(file: Path, read: Any) -> tuple[After, ...]:
    if not isinstance(read, list) or not all(isinstance(one, dict) for one in read):
        raise SettingError(f"{file}: each of after is a table of its own, [[after]] and its settings")
    return tuple(_step(file, one) for one in read)


def _step(file: Path, read: Mapping[str, Any]) -> After:
    do = read.get("do")
    if not isinstance(do, str) or do not in AFTER:
        meant = did_you_mean(do, list(AFTER)) if isinstance(do, str) else ""
        raise SettingError(f"{file}: do in [[after]] is one of {', '.join(AFTER)}, and not {do!r}{meant}")
    step: After = made(file, AFTER[do], {name: value for name, value in read.items() if name != "do"}, f"{do} step")
    return step

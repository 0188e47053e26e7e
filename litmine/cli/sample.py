"""The command `sample`: copy the sample data that is shipped with litmine."""

import shutil
from pathlib import Path

import click

from litmine.cli.console import print_message
from litmine.cli.options import OutputPath
from litmine.errors import SettingError
from litmine.resources import packaged_path


@click.command()
@click.argument("folder", type=OutputPath(path_type=Path, file_okay=False), default=Path("sample_data"))
def sample(folder: Path) -> None:
    """Copy the sample data to FOLDER (default: ./sample_data).

    The sample data is a few hundred real PubMed records, small excerpts of two corpora, and questions. The tutorial and
    `litmine run sample` use it. README.md in the folder gives the source and the licence of each file.

    \b
    litmine sample
    litmine import sample_data/pubmed
    """
    if folder.exists() and any(folder.iterdir()):
        raise SettingError(f"{folder} is not empty; choose another folder")
    source = packaged_path("sample_data")
    if not source.is_dir():
        raise SettingError("this installation has no sample data; install litmine from its wheel or a checkout")
    excluded = shutil.ignore_patterns("*.py", "*.sh", "__pycache__")
    try:
        shutil.copytree(source, folder, ignore=excluded, dirs_exist_ok=True)
    except OSError as error:
        raise SettingError(f"{folder} cannot be written ({error.strerror}); choose another folder") from error
    print_message(f"the sample data is in {folder}")

"""The command `sample`: copies the sample records that come with litmine into a folder."""

import shutil
from pathlib import Path

import click

from litmine.cli.console import print_message
from litmine.errors import SettingError
from litmine.resources import packaged_path


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path("sample_data"))
def sample(folder: Path) -> None:
    """Copy the sample records, corpora and questions into FOLDER (default: ./sample_data).

    They are a few hundred real PubMed records, small pieces of two corpora, and questions. The tutorial and
    `litmine run sample` use them. README.md in the folder names the source and the licence of each file.

    \b
    litmine sample
    litmine import sample_data/pubmed
    """
    if folder.exists() and any(folder.iterdir()):
        raise SettingError(f"{folder} is not empty; name another folder")
    source = packaged_path("sample_data")
    if not source.is_dir():
        raise SettingError("this installation has no sample data; install litmine from its wheel or a checkout")
    unneeded = shutil.ignore_patterns("*.py", "*.sh", "__pycache__")
    try:
        shutil.copytree(source, folder, ignore=unneeded, dirs_exist_ok=True)
    except OSError as error:
        raise SettingError(f"cannot write the sample data to {folder}: {error.strerror}") from error
    print_message(f"the sample data are in {folder}")

"""Write a report as one HTML file that needs nothing else: no scripts, and styles and charts inside."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from litmine.atomic_write import open_atomic, require_outside_lakes
from litmine.errors import SettingError
from litmine.lake.lake import Lake
from litmine.output.marked_text import OTHER_COLOUR, TYPE_COLOURS
from litmine.output.rows import cell_text
from litmine.output.trial_text import trial_facts
from litmine.pipeline.count_format import format_count
from litmine.pipeline.report.contents import NEW_DAYS, ReportContents, read_contents

_BAR_HEIGHT = 24


def write_report(lake: Lake, file: Path, since: date | int = NEW_DAYS, title: str = "") -> ReportContents:
    """Write the report of a lake, and return what it says. The file appears only when it is complete.

    since: what came into the lake from then on is new; a number means so many days before its sources' newest date.

    Raises SettingError for a file inside the lake or with another suffix, LakeError as `read_contents`, and
    LitmineError when the file cannot be written.
    """
    check_report_file(file)
    require_outside_lakes(file, lake.location)
    contents = read_contents(lake, title or f"Literature report: {lake.location.name}", since)
    page = render_report(contents)
    with open_atomic(file) as out:
        out.write(page.encode())
    return contents


def check_report_file(file: Path) -> None:
    """Raise SettingError unless the file is named as an HTML file."""
    if file.suffix.lower() not in (".html", ".htm"):
        raise SettingError(f"a report is an HTML file; name it {file.stem}.html")


def render_report(contents: ReportContents) -> str:
    """The HTML of a report. Whatever a title says, it stays text."""
    # Imported here because only reports and the explorer need it.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("litmine.pipeline.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": format_count,
        "cell": lambda value: f"{value:.3g}" if isinstance(value, float) else cell_text(value),
        "colour": lambda kind: TYPE_COLOURS.get(kind, OTHER_COLOUR),
        "minute": lambda time: f"{time:%Y-%m-%d %H:%M} UTC" if isinstance(time, datetime) else "",
        "trial_facts": trial_facts,
        "words": lambda text: str(text).replace("_", " "),
    }
    years = [row["year"] for row in contents.years]
    return environment.get_template("report.html").render(
        report=contents,
        lake=contents.status,
        by_type=[(kind, list(rows)) for kind, rows in groupby(contents.concepts, key=lambda row: row["entity_type"])],
        bars=lambda rows, height=_BAR_HEIGHT, width=160: year_bars(rows, years, width, height),
        years=(years[0], years[-1]) if years else None,
    )


def year_bars(
    rows: Sequence[Mapping[str, Any]], all_years: Sequence[int], width: float, height: float
) -> list[dict[str, Any]]:
    """The bars of a small chart of articles by year: place and size of each, over the same years for every chart."""
    if not rows or not all_years:
        return []
    first, last = all_years[0], all_years[-1]
    step = width / (last - first + 1)
    most = max(row["articles"] for row in rows)
    return [
        {
            "x": round((row["year"] - first) * step, 2),
            "y": round(height - height * row["articles"] / most, 2),
            "width": round(max(0.8 * step, 0.8), 2),
            "height": round(height * row["articles"] / most, 2),
            "year": row["year"],
            "articles": row["articles"],
        }
        for row in rows
    ]

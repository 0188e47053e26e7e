"""Messages name the options of a search in backticks, as Python does; other interfaces have other names for them."""

import re
from collections.abc import Mapping

# An option, or an option with a value: `until`, `kind="mesh"`.
_OPTION = re.compile(r"`(\w+)(?:=\"(\w+)\")?`")


def with_option_names(message: str, names: Mapping[str, str]) -> str:
    """The message with other names of the options; those that `names` lacks stay as they are."""

    def named(match: re.Match[str]) -> str:
        if match[1] not in names:
            return match[0]
        return f"{names[match[1]]} {match[2]}" if match[2] else names[match[1]]

    return _OPTION.sub(named, message)

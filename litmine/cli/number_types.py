"""Numbers on the command line: whole numbers and decimal ones of a size that every command can use."""

from typing import Any

import click

# What fits into 32 bits. Larger numbers overflow in the libraries below.
MAX_WHOLE = 2**31 - 1


class WholeNumber(click.IntRange):
    """`click.IntRange` that also refuses numbers beyond 32 bits."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and len(value) > len(str(-MAX_WHOLE)):
            self.fail(f"{value[:20]}... is too large for a whole number.", param, ctx)
        number = super().convert(value, param, ctx)
        if abs(number) > MAX_WHOLE:
            self.fail(f"{number} is too large; at most {MAX_WHOLE} is possible.", param, ctx)
        return number


class DecimalNumber(click.FloatRange):
    """`click.FloatRange` that also refuses infinity, NaN, and numbers that no duration or share has."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not abs(number) <= MAX_WHOLE:
            self.fail(f"{str(value)[:20]} is no number of a possible size.", param, ctx)
        return number

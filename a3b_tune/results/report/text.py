"""Text of a study as any page can hold it. Knows no page."""

from collections.abc import Iterable

from a3b_tune.results.report.blocks import Inline

# What a page cannot show, and half a character, which no file can hold; lines and tabs may stay.
_HIDDEN = {*range(32), *range(127, 160), *range(0xD800, 0xE000)} - {ord("\n"), ord("\t")}
_TABLE = dict.fromkeys(_HIDDEN, "\N{REPLACEMENT CHARACTER}")


def clean(text: str) -> str:
    """The text with a sign for each character that cannot be shown; lines end with a newline."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_TABLE)


def told(parts: Iterable[Inline]) -> str:
    """Inline parts as they are read, without their sources."""
    return clean("".join(part if isinstance(part, str) else part.shown for part in parts))

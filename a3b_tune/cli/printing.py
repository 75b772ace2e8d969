"""How anything gets onto the screen: no blanks at line ends, no control characters from a storage.

Knows nothing of what is printed.
"""

from rich.console import Console, RenderableType
from rich.segment import Segment, Segments
from rich.text import Text


def print_trim(console: Console, part: RenderableType) -> None:
    """Prints without the blanks that fill a table's lines up to its right edge."""
    for line in console.render_lines(part, pad=False):
        while line and not line[-1].text.strip():
            line.pop()
        shown = [Segment(visible(segment.text), segment.style) for segment in line]
        if shown:
            shown[-1] = Segment(shown[-1].text.rstrip(), shown[-1].style)
        console.print(Segments([*shown, Segment.line()]), end="", soft_wrap=True)


def print_whole(console: Console, line: Text) -> None:
    """Prints one line as one line: a path or a command that is broken in two cannot be copied."""
    line.plain = visible(line.plain)
    console.print(line, soft_wrap=True, highlight=False)


def visible(text: str) -> str:
    """The text with `?` for what a terminal would obey: names may come from another's database."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)

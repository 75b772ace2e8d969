"""How a text data set is told: its parts, alphabet, floor, and how it begins.

Knows neither how a text is read nor where its floor comes from.
"""

from textwrap import wrap
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text as Line

from a3b_tune.cli.figures import count, grouped
from a3b_tune.cli.printing import print_trim, visible

if TYPE_CHECKING:
    from a3b_tune.data import Text

WIDTH = 76  # characters in a line of the text where it has no lines of its own
SHOWN = 40  # tokens of the alphabet


def text_facts(text: "Text", lines: int) -> dict[str, Any]:
    """What a text holds, in plain numbers, and the first lines of its validation part."""
    ideal = None if text.ideal is None else float(text.ideal.mean())
    return {
        "name": text.name,
        "hash": text.data_hash,
        "unit": text.unit,
        "alphabet": list(text.alphabet.i2t),
        "parts": {name: len(part) for name, part in text.parts.items()},
        "floor": None if text.floor is None else text.floor._asdict(),
        "ideal": ideal,
        "lines": _lines(text, lines),
    }


def print_text(console: Console, facts: dict[str, Any]) -> None:
    """The same for people."""
    unit = facts["unit"]
    console.print(Line(facts["name"], style="bold"))
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    table.add_column(f"{unit}s", justify="right")
    for name, tokens in facts["parts"].items():
        table.add_row(name, grouped(tokens))
    print_trim(console, table)
    for line in _known(facts):
        console.print(line, highlight=False)
    console.print(f"sha256 {facts['hash']}", highlight=False, style="dim", soft_wrap=True)
    for line in facts["lines"]:
        shown = Line(visible(line))
        shown.truncate(console.width, overflow="ellipsis")
        console.print(shown)


def _known(facts: dict[str, Any]) -> list[Line]:
    """The alphabet and, where the source of the text is known, how few bits it can be told in."""
    unit, alphabet = facts["unit"], facts["alphabet"]
    told = [Line(f"alphabet of {count(len(alphabet), unit)}")]
    if unit == "character":
        tokens = " ".join("␣" if token == " " else repr(token)[1:-1] for token in alphabet[:SHOWN])
        told[0].append(f": {visible(tokens)}{' …' if len(alphabet) > SHOWN else ''}")
    if (floor := facts["floor"]) is not None:
        told.append(
            Line(f"floor {floor['value']:.4f} ± {floor['error']:.4f} bits per {unit}: what the")
            + Line(" grammar itself leaves open")
        )
    if facts["ideal"] is not None:
        told.append(
            Line(f"ideal predictor {facts['ideal']:.4f} bits per {unit} on the validation text: no")
            + Line(" model can be better there, but by luck")
        )
    return told


def _lines(text: "Text", lines: int) -> list[str]:
    """The first lines that are not blank; a long one is several."""
    some = text.alphabet.decode(text.validation[: 4 * (WIDTH + 1) * lines])
    broken = (part for line in some.splitlines() for part in wrap(line, WIDTH))
    return [part for part, _ in zip(broken, range(lines), strict=False)]

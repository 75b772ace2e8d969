"""A checkpoint's answer on the screen: in full, or as one line among many.

Knows no model: it shows what `finals/answers.py` answers.
"""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from a3b_tune.cli.figures import bar, count, grouped
from a3b_tune.cli.printing import print_trim, print_whole, visible
from a3b_tune.finals.explaining import CAUTION, Word, leading, meaning, words_of

if TYPE_CHECKING:
    from a3b_tune.finals.answers import Answer

BAR = 24
MOST = 5  # words that are told as speaking loudest
# Grounds from weak to strong. Blue and orange: told apart by who does not see red and green.
FOR = ("#dbe7ff", "#a8c5ff", "#6d9dfb", "#2563eb")
AGAINST = ("#fdebd0", "#fbd08f", "#f2a33a", "#c2660a")
INK = ("black", "black", "black", "#ffffff")
FAINT = 0.1  # strength below which a word has no colour


def print_answer(console: Console, answer: "Answer") -> None:
    """One text's answer: each class with its probability, the words, the unknown ones struck."""
    ascii_only = console.options.ascii_only
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, chance in sorted(answer.probabilities.items(), key=lambda entry: -entry[1]):
        style = "bold" if name == answer.name else ""
        table.add_row(
            Text(name, style),
            Text(f"{chance:.3f}", style),
            Text(bar(chance, BAR, ascii_only=ascii_only), "cyan"),
        )
    print_trim(console, table)
    console.print()
    print_trim(console, coloured(answer) if answer.why else _struck(answer))
    for line in notes(answer):
        print_trim(console, Text(line, style="dim"))


def coloured(answer: "Answer") -> Text:
    """The words that were read, each on a ground as strong as its weight; pairs in brackets."""
    text = Text()
    for own in words_of(answer):
        text.append(" " if text else "")
        text.append(f"[{own.word}]" if own.pair else own.word, style=_style(own))
    return text or _struck(answer)


def _style(own: Word) -> str:
    strength = abs(own.strength)
    strike = "strike " if own.unknown else ""
    if strength < FAINT:
        return f"{strike}dim" if own.unknown else ""
    step = min(len(INK) - 1, int(strength * len(INK)))
    ground = (FOR if own.strength > 0 else AGAINST)[step]
    return f"{strike}{INK[step]} on {ground}"


def _struck(answer: "Answer") -> Text:
    if not answer.words:
        return Text("(no words)", style="dim")
    text = Text()
    for word, unknown in zip(answer.words, answer.unknown, strict=True):
        if " " in word:  # a pair: its words stand there
            continue
        text.append(" " if text else "")
        text.append(word, style="dim strike" if unknown else "")
    return text


def notes(answer: "Answer") -> list[str]:
    """What else there is to know of an answer, a line each."""
    told = []
    if answer.unknown_words:
        words = ", ".join(answer.unknown_words[:MOST])
        more = " …" if len(answer.unknown_words) > MOST else ""
        unknown = f"{len(answer.unknown_words)} of {count(answer.read, 'word')} unknown"
        told.append(f"{unknown}: {words}{more}")
    if answer.left_out:
        told.append(f"only the first {grouped(answer.read)} words were read, not the last "
                    f"{grouped(answer.left_out)}")  # fmt: skip
    if answer.why is None or not answer.words:
        return told
    best, worst = leading(words_of(answer), MOST)
    said = [("most for it" if answer.why.kind == "contribution" else "most weight", best)]
    for what, entries in [*said, ("most against it", worst)]:
        if entries:
            sign = "+" if answer.why.kind == "contribution" else ""
            told.append(f"{what}: " + ", ".join(f"{word} {w:{sign}.2f}" for word, w in entries))
    told.append(meaning(answer.name, answer.why))
    return told + ([CAUTION] if answer.why.kind == "attention" else [])


def line_of(answer: "Answer", names: int, width: int | None) -> str:
    """`positive 0.98  this old movie …`, in `width` characters where a terminal has so many.

    :param names: characters of the longest class name.
    """
    text = visible(answer.text) if answer.words else "(no words)"
    line = f"{visible(answer.name):{names}} {answer.probabilities[answer.name]:.2f}  {text}"
    return line if width is None or len(line) <= width else f"{line[: width - 1]}…"


def explained_line(console: Console, answer: "Answer", names: int) -> str:
    """The same with coloured words, and whole."""
    text = Text(f"{visible(answer.name):{names}} {answer.probabilities[answer.name]:.2f}  ")
    text.append_text(coloured(answer))
    with console.capture() as captured:
        print_whole(console, text)
    return captured.get()

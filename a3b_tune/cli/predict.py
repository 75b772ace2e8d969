"""The command `predict`: what the model in a checkpoint folder answers texts.

Knows how a person asks and reads; what is answered is `finals/answers.py`'s.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from a3b_tune.cli.options import OwnCodeOption
from a3b_tune.cli.texts import asked_for
from a3b_tune.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from a3b_tune.finals.answers import Answer, Answerer

PATIENCE = 2.0  # seconds without a sign of life


def predict(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="A folder that `a3b-tune train` wrote.")
    ],
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT|FILE|-",
            help="Texts. The name of a file means its lines, each a text; - is standard input.",
            show_default=False,
        ),
    ] = None,
    as_text: Annotated[
        bool, typer.Option("--text", help="Take all arguments as texts, never as files.")
    ] = False,
    column: Annotated[
        str, typer.Option(metavar="NAME", help="The column of .csv and .tsv files.")
    ] = "text",
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Weigh the words: what each adds to the answer, or of attention models where the "
            "last layer looked, which may differ from what decided (Jain and Wallace 2019, "
            "Attention is not Explanation).",
        ),
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write weighed words to a page, too; as --explain."),
    ] = None,
    own_code: OwnCodeOption = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object for each text, one a line.")
    ] = False,
) -> None:
    """Answer texts with a trained model: their class, how sure it is, and what it could not read.

    Examples:

    - `a3b-tune predict imdb-trial3 "this old movie was very great"`
    - `a3b-tune predict imdb-trial3 "not very good" --explain --html why.html`
    - `a3b-tune predict imdb-trial3 reviews.txt --json > answers.jsonl`
    - `a3b-tune predict imdb-trial3 reviews.csv --column review`
    - `cat reviews.txt | a3b-tune predict imdb-trial3`
    """
    asked = asked_for(texts, as_text, column)
    import torch

    from a3b_tune.finals.answers import Answerer
    from a3b_tune.finals.checkpoint import open_checkpoint

    opened = open_checkpoint(checkpoint, own_code=own_code)
    if opened.settings["name"] == "baseline":
        # So little is worked out that threads wait for each other longer than they work.
        torch.set_num_threads(1)
    answerer = Answerer(opened, explained=explain or html is not None)
    from rich.console import Console

    out = Console(soft_wrap=False)
    names = max(map(len, opened.class_names))
    told = _json_lines if as_json else _whole(out) if asked.alone else _lines(out, names, explain)
    tally = Tally(quiet=as_json or asked.alone or not asked.streamed)
    with _page(html, checkpoint.resolve().name, answerer) as keep, _pipe():
        for answers in _answers(answerer, asked.blocks, tally):
            keep(answers)
            sys.stdout.write(told(answers))
            sys.stdout.flush()
        tally.end()
    if html is not None:
        typer.echo(f"the page is {html}", err=True)


def _answers(
    answerer: "Answerer", blocks: Iterator[list[str]], tally: "Tally"
) -> Iterator[list["Answer"]]:
    for block in blocks:
        answers = answerer.answers(block)
        tally.add(answers)
        yield answers


def _json_lines(answers: list["Answer"]) -> str:
    return "".join(json.dumps(own.plain(), ensure_ascii=False) + "\n" for own in answers)


def _whole(console: "Console") -> Callable[[list["Answer"]], str]:
    from a3b_tune.cli.present_answer import print_answer

    def told(answers: list["Answer"]) -> str:
        with console.capture() as captured:
            for own in answers:
                print_answer(console, own)
        return captured.get()

    return told


def _lines(console: "Console", names: int, explain: bool) -> Callable[[list["Answer"]], str]:
    from a3b_tune.cli.present_answer import explained_line, line_of

    width = console.width if console.is_terminal else None
    if explain:
        return lambda answers: "".join(explained_line(console, own, names) for own in answers)
    return lambda answers: "".join(line_of(own, names, width) + "\n" for own in answers)


@contextmanager
def _page(
    path: Path | None, title: str, answerer: "Answerer"
) -> Iterator[Callable[[list["Answer"]], None]]:
    """What keeps answers for the page, which is there when all are answered, or not at all."""
    if path is None or answerer.kind is None:
        yield lambda _: None
        return
    from a3b_tune.finals.explained_html import END, article, begin

    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(begin(f"{title}: answers explained", answerer.kind))
            yield lambda answers: file.writelines(map(article, answers))
            file.write(END)
        beside.replace(path)
    except OSError as error:
        if error.filename is None:
            raise
        raise InputError(f"--html {path}: {(error.strerror or str(error)).lower()}") from None
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _pipe() -> Iterator[None]:
    """Whoever reads may have enough, as `head` has: that is no mistake."""
    try:
        yield
    except BrokenPipeError:
        # What is left in the buffer goes nowhere, or Python would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@dataclass
class Tally:
    """What was answered so far, for those who wait and for the end."""

    quiet: bool
    classes: dict[str, int] = field(default_factory=dict)
    words: int = 0
    unknown: int = 0
    begun: float = field(default_factory=time.monotonic)

    def add(self, answers: list["Answer"]) -> None:
        for own in answers:
            self.classes[own.name] = self.classes.get(own.name, 0) + 1
            self.words += own.read
            self.unknown += len(own.unknown_words)
        if sys.stderr.isatty() and not sys.stdout.isatty() and self.seconds > PATIENCE:
            print(f"\r{self.texts} answered …", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Sums up on stderr."""
        if sys.stderr.isatty() and not sys.stdout.isatty():
            print("\r\033[K", end="", file=sys.stderr)
        if self.quiet:
            return
        classes = ", ".join(f"{number} {name}" for name, number in sorted(self.classes.items()))
        share = f"{self.unknown} of {self.words} words unknown"
        typer.echo(f"{self.texts}: {classes or 'none'}; {share}; {self.seconds:.1f} s", err=True)

    @property
    def texts(self) -> str:
        from a3b_tune.cli.figures import count

        return count(sum(self.classes.values()), "text")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.begun

"""Which texts a person means: those on the command line, the lines of a file, standard input.

Knows not what becomes of them; how a file is read is `finals/lines.py`'s.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from a3b_tune.errors import InputError

Blocks = Iterator[list[str]]
FILES = (".txt", ".csv", ".tsv")  # endings of what is no text, even if there is no such file
STDIN = "-"


@dataclass(frozen=True)
class Asked:
    """What is to be answered: `alone` is a single text, `streamed` what comes of files."""

    blocks: Blocks
    alone: bool
    streamed: bool


def asked_for(texts: list[str] | None, as_text: bool, column: str) -> Asked:
    """What the arguments stand for; files are looked through before the first text comes.

    :param as_text: all arguments are texts.
    :param column: of a table, which one holds the texts.
    :raises InputError: there is none, or a file cannot be read.
    """
    if not texts:
        if sys.stdin is None or sys.stdin.isatty():
            raise InputError("predict: no text: give a TEXT, a FILE, or - for standard input")
        texts, as_text = [STDIN], False
    streams = [not as_text and _is_stream(text) for text in texts]
    if any(streams):
        from a3b_tune.finals.lines import check

        for text, stream in zip(texts, streams, strict=True):
            if stream and text != STDIN:
                check(Path(text), column)
    blocks = _blocks(list(zip(texts, streams, strict=True)), column)
    return Asked(blocks, len(texts) == 1 and not streams[0], any(streams))


def _is_stream(text: str) -> bool:
    """Whether it is no text but the name of a file, or of standard input."""
    if text == STDIN:
        return True
    try:
        path = Path(text)
        if path.exists():
            return not path.is_dir()
    except (OSError, ValueError):  # too long for a name, or with a byte that none has
        return False
    if path.suffix.lower() in FILES and not any(map(str.isspace, text)):
        raise InputError(f"{text}: no such file; --text takes it as a text")
    return False


def _blocks(sources: list[tuple[str, bool]], column: str) -> Blocks:
    from a3b_tune.finals.lines import lines, texts_of

    for source, stream in sources:
        if not stream:
            yield [source]
        elif source == STDIN:
            yield from lines(sys.stdin.buffer, "standard input")
        else:
            yield from texts_of(Path(source), column)

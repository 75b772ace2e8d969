"""The commands about data: `data fetch NAME`, `data show NAME`.

Knows how a data set is told, not how it is read.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from a3b_tune.cli.data_text import print_text, text_facts
from a3b_tune.cli.figures import grouped
from a3b_tune.cli.options import DataDirOption, JsonOption, complete_from
from a3b_tune.cli.printing import print_trim, visible

if TYPE_CHECKING:
    from a3b_tune.data import Dataset, Rows

NAMES = ("xor", "synth", "imdb", "toy", "wp")
FETCHED = ("imdb", "wp", "glove")

app = typer.Typer(no_args_is_help=True, help="Fetch and look at data sets.")


@app.command()
def fetch(
    name: Annotated[
        str,
        typer.Argument(
            help="imdb, wp, or glove: word vectors, 862 MB.", autocompletion=complete_from(FETCHED)
        ),
    ],
    data_dir: DataDirOption = None,
    address: Annotated[
        str | None,
        typer.Option("--from", metavar="URL", help="Another folder on the web to take it from."),
    ] = None,
) -> None:
    """Fetch a data set's file, whole and checked, unless it is there already.

    Examples:

    - `a3b-tune data fetch imdb`
    - `a3b-tune data fetch glove`, then `data.embeddings = "glove.6B.100d"` in a study file
    - `a3b-tune data fetch imdb --data-dir ~/data --from https://mirror.example.org/imdb`
    """
    from a3b_tune.data.fetch import fetch as fetch_file
    from a3b_tune.data.fetch import progress_bar

    with progress_bar(name) as report:
        path = fetch_file(name, data_dir, base=address, report=report)
    typer.echo(path)


@app.command()
def show(
    name: Annotated[
        str,
        typer.Argument(
            help="xor, synth, imdb, toy, wp, or a file of your own: a table (.csv, .tsv, .txt) or, "
            "with --tokens, a text.",
            autocompletion=complete_from(NAMES),
        ),
    ],
    rows: Annotated[
        int,
        typer.Option(
            "--rows", metavar="N", min=0, help="How many validation rows, or lines, to print."
        ),
    ] = 5,
    seed: Annotated[int, typer.Option(metavar="N", help="What it is generated or split from.")] = 0,
    text_column: Annotated[str, typer.Option(help="A table's column of texts.")] = "text",
    label_column: Annotated[str, typer.Option(help="A table's column of labels.")] = "label",
    tokens: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="The file is one long text; cut it into characters or bytes.",
            autocompletion=complete_from(("characters", "bytes")),
        ),
    ] = None,
    embeddings: Annotated[
        str | None,
        typer.Option(
            metavar="VECTORS",
            help="How many words have vectors in glove.6B.100d, say, or a file of them.",
        ),
    ] = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a data set holds: rows, classes, lengths, words, and some of its rows; of a text
    its parts, its alphabet, its floor where that is known, and how it begins.

    Examples:

    - `a3b-tune data show synth`
    - `a3b-tune data show toy`
    - `a3b-tune data show imdb --embeddings glove.6B.100d`
    - `a3b-tune data show reviews.csv --text-column review --label-column stars`
    - `a3b-tune data show novel.txt --tokens characters`
    """
    from a3b_tune.data import Text as TextData
    from a3b_tune.data.load import load

    if tokens is not None:
        data = load("text", path=Path(name), tokens=tokens, data_dir=data_dir)
    elif Path(name).suffix:
        data = load(
            "table",
            path=Path(name),
            seed=seed,
            text_column=text_column,
            label_column=label_column,
            embeddings=_vectors(embeddings),
        )
    else:
        data = load(name, seed=seed, data_dir=data_dir, embeddings=_vectors(embeddings))
    if isinstance(data, TextData):
        with Console(stderr=True).status("working out what the text allows …"):
            facts, show_facts = text_facts(data, rows), print_text
    else:
        facts, show_facts = {**dataset_facts(data), "rows": _examples(data, rows)}, _print
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
    else:
        show_facts(Console(), facts)


def _vectors(asked: str | None) -> str | None:
    """A path of vectors from this folder; a name as it is."""
    from a3b_tune.study.data_section import names_file
    from a3b_tune.study.file import absolute

    is_path = asked is not None and names_file("embeddings", asked)
    return absolute(asked, Path.cwd()) if asked is not None and is_path else asked


def dataset_facts(data: "Dataset") -> dict[str, Any]:
    """What a data set holds, in plain numbers."""
    parts = {"train": data.train, "validation": data.validation}
    return {
        "name": data.name,
        "hash": data.data_hash,
        "vocabulary": len(data.vocabulary.i2w),
        "embeddings": data.vectors.coverage if data.vectors else None,
        "parts": {name: _part(rows, data.class_names) for name, rows in parts.items()},
    }


def _part(rows: "Rows", classes: tuple[str, ...]) -> dict[str, Any]:
    lengths = rows.lengths
    return {
        "rows": len(rows),
        "distinct": len(rows.distinct()),
        "classes": {name: int((rows.labels == label).sum()) for label, name in enumerate(classes)},
        "shortest": int(lengths[0]),
        "median": int(lengths[len(lengths) // 2]),
        "longest": int(lengths[-1]),
    }


def _examples(data: "Dataset", count: int) -> list[dict[str, str]]:
    """Rows spread evenly over the validation part, from short to long."""
    part, words = data.validation, data.vocabulary.i2w
    step = max(1, len(part) // max(1, count))
    found = []
    for row in range(0, len(part), step)[:count]:
        start, length = int(part.starts[row]), int(part.lengths[row])
        tokens = part.tokens[start : start + length].tolist()
        label = data.class_names[int(part.labels[row])]
        found.append({"class": label, "text": " ".join(words[token] for token in tokens)})
    return found


def _print(console: Console, facts: dict[str, Any]) -> None:
    console.print(Text(facts["name"], style="bold"))
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("", "rows", "distinct", "shortest", "median", "longest"):
        table.add_column(heading, justify="left" if not heading else "right")
    table.add_column("classes")
    for name, part in facts["parts"].items():
        numbers = [
            grouped(part[key]) for key in ("rows", "distinct", "shortest", "median", "longest")
        ]
        classes = ", ".join(f"{label} {grouped(count)}" for label, count in part["classes"].items())
        table.add_row(name, *numbers, classes)
    print_trim(console, table)
    console.print(
        f"{grouped(facts['vocabulary'])} words, four special ones included", highlight=False
    )
    if facts["embeddings"]:
        console.print(facts["embeddings"], highlight=False, markup=False)
    console.print(f"sha256 {facts['hash']}", highlight=False, style="dim", soft_wrap=True)
    for example in facts["rows"]:
        line = Text.assemble((f"{visible(example['class'])}  ", "cyan"), visible(example["text"]))
        line.truncate(console.width, overflow="ellipsis")
        console.print(line)

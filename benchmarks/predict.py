"""How soon a checkpoint answers, how many lines a second it answers, and how far ONNX is from it.

    python -m benchmarks.predict --data-dir FOLDER

The first answer is timed as a person sees it, from the start of a child process to its end, beside
a child that does nothing but `import torch`. Lines are reviews of IMDb out of a file, answered by
`a3b-tune predict FILE --json` into a file, start-up included, beside a loop that asks the same
model line by line. ONNX: every model of rows with every pool, and the model of text, at the sizes
of the shipped studies, on random batches of many shapes. Weights are random: they cost the same.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import torch

from a3b_tune.data.alphabet import Alphabet
from a3b_tune.data.load import load
from a3b_tune.data.reader import WordReader, reader_of
from a3b_tune.finals.checkpoint import Trained, open_checkpoint, write_checkpoint
from a3b_tune.finals.onnx_model import export
from a3b_tune.models import ROW_MODELS, build, reads_text, settings_of
from a3b_tune.models.pools import POOLS
from benchmarks.stack import about_machine

COMMAND = str(Path(sys.executable).with_name("a3b-tune"))
TEXT = "this old movie was very great"
LONGEST = 256


def checkpoint(path: Path, name: str, reader: WordReader, **settings: Any) -> Path:
    """A folder with a model of random weights."""
    alphabet = Alphabet(tuple(map(chr, range(32, 127)))) if reads_text(name) else None
    names = () if alphabet else ("negative", "positive")
    tokens = len(alphabet) if alphabet else len(reader.vocabulary)
    torch.manual_seed(0)
    sizes = {"vocabulary": tokens, "classes": len(names) or tokens, "max_length": LONGEST}
    model = build(name, **sizes, **settings).eval()
    told = {"name": name, **settings}
    own = None if alphabet else reader
    words = None if alphabet else LONGEST
    trained = Trained(model, told, own, names, alphabet, LONGEST, words, "imdb", "0" * 64)
    write_checkpoint(path, trained, {}, {}, force=True)
    return path


def seconds(command: list[str], **options: Any) -> float:
    began = perf_counter()
    subprocess.run(command, check=True, **options)
    return perf_counter() - began


def first_answer(folder: Path, times: int) -> dict[str, float]:
    """Medians, the two sides in turn; the first round, from a disk, does not count."""
    sides = {
        "predict": [COMMAND, "predict", str(folder), TEXT],
        "import torch": [sys.executable, "-c", "import torch"],
    }
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(times + 1):
        for name, command in sides.items():
            found[name].append(seconds(command, stdout=subprocess.DEVNULL))
    return {name: median(own[1:]) for name, own in found.items()}


def lines_a_second(folder: Path, file: Path, times: int) -> dict[str, float]:
    """Of the command on the whole file, with its start and without (less what one line takes), and
    of a loop on a tenth of it, which has begun already."""
    lines = file.read_text().splitlines()
    out = file.with_suffix(".jsonl")
    one = file.with_suffix(".one")
    one.write_text(lines[0] + "\n")
    names = ("predict", "predict, start left out", "line by line")
    found: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(times):
        taken = []
        for each in (one, file):
            with out.open("w") as into:
                command = [COMMAND, "predict", str(folder), str(each), "--json"]
                taken.append(seconds(command, stdout=into))
        found["predict"].append(len(lines) / taken[1])
        found["predict, start left out"].append((len(lines) - 1) / (taken[1] - taken[0]))
        found["line by line"].append(one_by_one(folder, lines[: len(lines) // 10]))
    answers = out.read_text().splitlines()
    assert [json.loads(answer)["text"] for answer in answers] == lines
    return {name: median(own) for name, own in found.items()}


def one_by_one(folder: Path, lines: list[str]) -> float:
    opened = open_checkpoint(folder)
    began = perf_counter()
    for line in lines:
        with torch.no_grad():
            opened.model(torch.tensor([opened.encode(line).tokens])).softmax(1)
    return len(lines) / (perf_counter() - began)


def differences(folder: Path, reader: WordReader) -> dict[str, float]:
    """The largest of each model's logits, relative to those above 1."""
    found = {}
    for name in [*ROW_MODELS, "causal_transformer"]:
        if name == "distilbert":  # its weights are fetched
            continue
        for pool in POOLS if "pool" in settings_of(name) else ("",):
            settings = {"pool": pool} if pool else {}
            made = export(open_checkpoint(checkpoint(folder, name, reader, **settings)))
            found[f"{name} {pool}".strip()] = made.difference
    return found


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=10_000, help="reviews in the file")
    parser.add_argument("--width", type=int, default=128, help="of the baseline")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--data-dir", type=Path, help="where imdb.word.pkl.gz is")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    return parser.parse_args()


def main() -> None:
    args = parsed()
    dataset = load("imdb", data_dir=args.data_dir)
    reader = reader_of(dataset)
    with TemporaryDirectory() as kept:
        folder, file = Path(kept) / "model", Path(kept) / "reviews.txt"
        chosen = torch.randperm(len(dataset.train), generator=torch.Generator().manual_seed(0))
        rows, _ = dataset.train.take(chosen[: args.lines]).to_lists()
        texts = [dataset.vocabulary.text(row) for row in rows]
        file.write_text("\n".join(texts) + "\n")
        checkpoint(folder, "baseline", reader, width=args.width)
        figures: dict[str, Any] = {
            "first answer, seconds": first_answer(folder, args.times),
            "lines a second": lines_a_second(folder, file, args.times),
            "words a line": sum(len(text.split()) for text in texts) / len(texts),
            "onnx, largest difference": differences(folder, reader),
        }
    print(json.dumps(figures, indent=2))
    if args.out:
        about = {**about_machine("cpu"), "lines": args.lines, "width": args.width}
        args.out.write_text(json.dumps({"about": about, **figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()

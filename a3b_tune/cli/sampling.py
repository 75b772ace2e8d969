"""The command `sample`: text that a study's best model, or one in a file, writes behind a seed.

Knows how a person asks; how text is drawn is `training/sampling.py`'s.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from a3b_tune.cli.options import JsonOption, OwnCodeOption, StorageOption, whole_number
from a3b_tune.cli.studies import complete_study, only_study, reading
from a3b_tune.errors import InputError

if TYPE_CHECKING:
    from a3b_tune.data import Judged
    from a3b_tune.training.kept_model import KeptModel

SUFFIX = ".safetensors"


def sample(
    study: Annotated[
        str | None,
        typer.Argument(
            metavar="STUDY|FOLDER|FILE",
            help="A study, whose best model is taken, the FOLDER of a model that `train` made, or "
            f"a model's FILE{SUFFIX}.",
            autocompletion=complete_study,
            show_default=False,
        ),
    ] = None,
    seed_text: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="What the model goes on from; by default, of a study, the seed of its samples.",
        ),
    ] = None,
    length: Annotated[str, typer.Option(metavar="N", help="How many tokens are written.")] = "300",
    temperature: Annotated[
        str,
        typer.Option(
            metavar="X", help="How freely they are drawn; 0 takes the likeliest one each time."
        ),
    ] = "1.0",
    top_k: Annotated[
        str, typer.Option(metavar="N", help="Draw from so many of the likeliest; 0 for all.")
    ] = "0",
    seed: Annotated[
        str, typer.Option(metavar="N", help="Of the draws: the same seed, the same text.")
    ] = "0",
    trial: Annotated[
        str | None,
        typer.Option(metavar="N", help="The model of this trial, if it was kept, not the best."),
    ] = None,
    save_model: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=f"Write the model to FILE{SUFFIX}."),
    ] = None,
    own_code: OwnCodeOption = False,
    storage: StorageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a model write: the best one of a study on text, or one that was saved.

    Examples:

    - `a3b-tune sample toy --seed-text "the dog " --temperature 0.8`
    - `a3b-tune sample toy --temperature 0 --length 100`
    - `a3b-tune sample toy --save-model best.safetensors`
    - `a3b-tune sample best.safetensors --seed-text "a quick " --top-k 5 --json`
    - `a3b-tune sample toy-trial3 --seed-text "the dog "`
    """
    how = How(
        whole_number("--length", length, 0),
        _temperature(temperature),
        whole_number("--top-k", top_k, 0),
        whole_number("--seed", seed, 0),
    )
    number = None if trial is None else whole_number("--trial", trial, 0)
    if save_model is not None and save_model.suffix != SUFFIX:
        raise InputError(f"--save-model {save_model}: a model's file ends with {SUFFIX}")
    found = _found(study, number, storage, own_code=own_code)
    from a3b_tune.training.kept_model import open_model

    kept = open_model(found.content, found.what)
    begun = found.begins if seed_text is None else seed_text
    if begun is None:
        raise InputError(f"{found.what}: what shall the model go on from? add --seed-text TEXT")
    written = _written(kept, begun, how)
    if save_model is not None:
        _save(save_model, found.content)
    judged = _judged(kept, begun + written)
    if as_json:
        told = {**found.about, "data": kept.data, "seed_text": begun, "text": written, **vars(how)}
        told |= {} if judged is None else judged._asdict()
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    _print(begun, written, judged)
    if save_model is not None:
        typer.echo(f"\nthe model is in {save_model}")


@dataclass(frozen=True)
class How:
    """How tokens are drawn; `seed` is that of the draws."""

    length: int
    temperature: float
    top_k: int
    seed: int


@dataclass(frozen=True)
class Found:
    """A model as it was kept: `what` an error calls it, `about` what JSON tells of it, and how its
    trial's samples begin."""

    what: str
    about: dict[str, object]
    content: bytes
    begins: str | None


def _found(study: str | None, number: int | None, storage: str | None, *, own_code: bool) -> Found:
    if study is not None and _is_folder(Path(study)):
        if number is not None:
            raise InputError(f"--trial {number}: {study} is a folder, which holds one model")
        return _of_folder(Path(study), own_code=own_code)
    if study is None or not (study.endswith(SUFFIX) or ("/" in study and Path(study).is_file())):
        return _of_study(study, number, storage)
    if number is not None:
        raise InputError(f"--trial {number}: {study} is a file, which holds one model")
    try:
        return Found(study, {"file": study}, Path(study).read_bytes(), None)
    except OSError as error:
        raise InputError(f"{study}: {(error.strerror or str(error)).lower()}") from None


def _is_folder(path: Path) -> bool:
    """A folder that lies here by chance may be called as a study is."""
    return path.is_dir() and ("/" in str(path) or (path / "config.json").is_file())


def _of_folder(path: Path, *, own_code: bool) -> Found:
    from a3b_tune.finals.checkpoint import open_checkpoint
    from a3b_tune.training.kept_model import pack

    found = open_checkpoint(path, own_code=own_code)
    if found.alphabet is None:
        command = f"`a3b-tune predict {path}`"
        raise InputError(f"{path}: this model names classes and writes no text: {command}")
    weights = dict(found.model.named_parameters())
    content = pack(
        weights, found.settings, found.longest, found.alphabet, found.data, found.data_hash
    )
    return Found(str(path), {"folder": str(path)}, content, None)


def _temperature(text: str) -> float:
    from math import isfinite

    try:
        value = float(text)
    except ValueError:
        raise InputError(f"--temperature {text}: must be a number, 0 or more") from None
    if not isfinite(value) or value < 0.0:
        raise InputError(f"--temperature {text}: must be a number, 0 or more")
    return value


def _of_study(study: str | None, number: int | None, storage: str | None) -> Found:
    from a3b_tune.results.models import best_model, model_of
    from a3b_tune.results.trials import rows
    from a3b_tune.tuning.studies import open_study

    with reading(storage) as opened:
        stored = open_study(opened, study or only_study(opened))
        if number is None:
            number, content = best_model(stored)
        else:
            content = model_of(stored, number)
        epochs = rows(stored.study)[number].epochs
    name, length = stored.file.study.name, stored.file.samples.seed_length
    samples = [epoch["sample"] for epoch in epochs if epoch.get("sample")]
    begins = samples[-1][:length] if samples else None
    about: dict[str, object] = {"study": name, "trial": number}
    return Found(f"trial {number} of study {name!r}", about, content, begins)


def _save(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from None


def _written(kept: "KeptModel", begun: str, how: How) -> str:
    """What the model writes behind a text."""
    import torch

    from a3b_tune.training.sampling import sample as drawn
    from a3b_tune.training.sampling import seed_tokens

    tokens = drawn(
        kept.model,
        seed_tokens(kept.alphabet, begun),
        how.length,
        longest=kept.longest,
        temperature=how.temperature,
        top_k=how.top_k,
        generator=torch.Generator().manual_seed(how.seed),
    )
    return kept.alphabet.decode(tokens[0])


def _judged(kept: "KeptModel", text: str) -> "Judged | None":
    """What the grammar says of a text, where the model has learned that of toy."""
    if kept.data != "toy":
        return None
    from a3b_tune.data.toy import predictor

    return predictor().judge(text)


def _print(begun: str, written: str, judged: "Judged | None") -> None:
    from rich.console import Console

    from a3b_tune.cli.present_trial import sampled
    from a3b_tune.cli.printing import print_trim

    console = Console()
    print_trim(console, sampled(begun + written, len(begun)))
    if judged is not None and judged.sentences:
        share = f"{judged.valid} of {judged.sentences} complete sentences are the grammar's"
        console.print(f"\n{share}", style="dim", highlight=False)

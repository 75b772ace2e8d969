"""The commands that search: `xor`, `synth`, `imdb`, `toy`, `wp` and `run FILE`.

Knows how a person asks; what is asked is decided by the study file, and done by tuning.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from a3b_tune.cli.asked import PATIENCE, Asked
from a3b_tune.cli.options import DataDirOption, JsonOption, StorageOption
from a3b_tune.cli.search_options import (
    Budget,
    Device,
    MaxTime,
    Model,
    Name,
    Patience,
    Pool,
    Precision,
    Pruner,
    Retries,
    Sampler,
    Seed,
    Set,
    Stack,
    TensorBoard,
    TensorBoardDir,
    Timeout,
    Trials,
    WandB,
    Workers,
    folder_of,
)
from a3b_tune.cli.study_files import complete_study
from a3b_tune.errors import InputError
from a3b_tune.starting import prepare_early
from a3b_tune.workers import LIBRARIES

if TYPE_CHECKING:
    from a3b_tune.study import StudyFile


def _shipped(study: str, example: str) -> Callable[..., int]:
    """A command for a study that comes with the package."""

    def command(
        trials: Trials = None,
        timeout: Timeout = None,
        budget: Budget = None,
        model: Model = None,
        pool: Pool = None,
        settings: Set = None,
        name: Name = None,
        sampler: Sampler = None,
        pruner: Pruner = None,
        seed: Seed = None,
        workers: Workers = "auto",
        stack: Stack = "auto",
        storage: StorageOption = None,
        device: Device = "auto",
        precision: Precision = "auto",
        data_dir: DataDirOption = None,
        retries: Retries = None,
        patience: Patience = PATIENCE,
        max_time: MaxTime = None,
        tensorboard: TensorBoard = False,
        tensorboard_dir: TensorBoardDir = None,
        wandb: WandB = None,
        as_json: JsonOption = False,
    ) -> int:
        asked = Asked(
            study, trials, timeout, model, pool, name, sampler, pruner, seed, workers, stack,
            device, precision, storage, data_dir, tuple(settings or ()), as_json, budget, retries,
            patience, max_time, folder_of(tensorboard, tensorboard_dir), wandb,
        )  # fmt: skip
        return search(study, asked)

    command.__name__ = study
    command.__doc__ = example
    return command


xor = _shipped(
    "xor",
    """Tune full self-attention on xor: two words, true where they differ.

    Takes about a minute. Examples:

    - `a3b-tune xor --trials 30`
    - `a3b-tune xor --model simple_attention --set "model.positions=none|learned" --name positions`
    """,
)
synth = _shipped(
    "synth",
    """Tune full self-attention on synth: short made-up film reviews that need two words at once.

    Examples:

    - `a3b-tune synth --trials 200`
    - `a3b-tune synth --model baseline --pool "mean|max" --name baseline`
    - `a3b-tune synth --set optimizer.lr=1e-3..1e-2:log --set model.heads=4 --name narrow`
    """,
)
imdb = _shipped(
    "imdb",
    """Tune the baseline on IMDb: 25 000 film reviews. Fetches them first if they are not there.

    Examples:

    - `a3b-tune imdb --trials 20 --timeout 30m`
    - `a3b-tune imdb --data-dir ~/data --set model.width=32|64`
    """,
)
toy = _shipped(
    "toy",
    """Tune a character model on toy: sentences of a small grammar, whose entropy is known.

    Counts in bits per character, above what the grammar allows. Examples:

    - `a3b-tune toy --trials 100`
    - `a3b-tune toy --trials 20 --max-time 5m --tensorboard`
    - `a3b-tune toy --set data.max_length=256 --set training.steps=10000 --name long`
    """,
)
wp = _shipped(
    "wp",
    """Tune a byte model on wp: 100 MB of Wikipedia. Fetches them first if they are not there.

    Made for a GPU. Examples:

    - `a3b-tune wp --trials 20 --max-time 12h --precision bfloat16`
    - `a3b-tune wp --trials 1 --set training.steps=50000 --tensorboard`
    """,
)


def run(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="A study file, or the name of one that comes with a3b-tune.",
            autocompletion=complete_study,
        ),
    ],
    trials: Trials = None,
    timeout: Timeout = None,
    budget: Budget = None,
    model: Model = None,
    pool: Pool = None,
    settings: Set = None,
    name: Name = None,
    sampler: Sampler = None,
    pruner: Pruner = None,
    seed: Seed = None,
    workers: Workers = "auto",
    stack: Stack = "auto",
    storage: StorageOption = None,
    device: Device = "auto",
    precision: Precision = "auto",
    data_dir: DataDirOption = None,
    retries: Retries = None,
    patience: Patience = PATIENCE,
    max_time: MaxTime = None,
    tensorboard: TensorBoard = False,
    tensorboard_dir: TensorBoardDir = None,
    wandb: WandB = None,
    as_json: JsonOption = False,
) -> int:
    """Run a study file of your own, on your own CSV or text if it says so.

    Examples:

    - `a3b-tune run mine.toml --trials 50`
    - `a3b-tune run positions_xor` (see `a3b-tune study list`)
    """
    asked = Asked(
        f"run {file}", trials, timeout, model, pool, name, sampler, pruner, seed, workers, stack,
        device, precision, storage, data_dir, tuple(settings or ()), as_json, budget, retries,
        patience, max_time, folder_of(tensorboard, tensorboard_dir), wandb,
    )  # fmt: skip
    return search(file, asked)


def search(name: str, asked: Asked) -> int:
    """Runs a study to its budget and prints what was found; returns the exit code."""
    path, file = _read(name, asked)
    if file.study.trials > 1:
        prepare_early(LIBRARIES, asked.workers, asked.device)
    from a3b_tune.cli.running import run_study

    console = Console(stderr=asked.as_json)
    file, left_out = _checked(path, file, name, asked)
    if left_out:
        console.print(f"left out, without effect here: {', '.join(left_out)}")
    return run_study(file, asked, console)


def asked_file(name: str, asked: Asked) -> tuple["StudyFile", list[str]]:
    """The study file with all options applied and checked, and the settings that were left out
    because another model was asked for."""
    return _checked(*_read(name, asked), name, asked)


def _read(name: str, asked: Asked) -> tuple[Path, "StudyFile"]:
    """The study file with all options applied, and where it lies: all that can be known without
    torch, which takes seconds to import."""
    from a3b_tune.study import load
    from a3b_tune.study.catalogue import find

    path = find(name)
    return path, _changed(load(path), asked)


def _checked(
    path: Path, file: "StudyFile", name: str, asked: Asked
) -> tuple["StudyFile", list[str]]:
    from a3b_tune.training.checks import check_model, without_head_width
    from a3b_tune.tuning.sampling import check_sampler

    left_out: list[str] = []
    typed = asked.typed()
    if "model.name" in typed:
        file, left_out = _without_foreign(file, typed)
    if "model.width" in typed and "model.head_width" not in typed:
        file, more = without_head_width(file)
        left_out += more
    # What was typed is not the file's fault.
    changed = any(key.startswith(("model.", "training.", "data.")) for key in typed)
    check_model(file, f"{name} as asked" if changed else str(path))
    check_sampler(file)
    return file, left_out


def _changed(file: "StudyFile", asked: Asked) -> "StudyFile":
    """The file with all that was typed. Together: what one change breaks another may mend, a grid
    over choices that `--set` gives, say. Where that fails, one after the other, to name the one
    that is wrong."""
    from a3b_tune.study import override

    pairs = asked.overrides()
    for word, change in pairs:
        if change.endswith("="):
            raise InputError(f"{word} is empty; leave it out, or give it a value")
    try:
        return override(file, [*(change for _, change in pairs), *asked.changes])
    except InputError:
        for word, change in pairs:
            file = override(file, [change], where=word)
        return override(file, list(asked.changes))


def _without_foreign(file: "StudyFile", typed: set[str]) -> tuple["StudyFile", list[str]]:
    """Drops the file's settings of another model, but not those that were typed: these are
    mistakes, and the check will name them."""
    from a3b_tune.training.checks import drop_foreign_settings

    kept, left_out = drop_foreign_settings(file)
    if wanted := [key for key in left_out if key in typed]:
        names = [key.removeprefix("model.") for key in wanted]
        model = {**kept.model, **{name: file.model[name] for name in names}}
        kept = kept.model_copy(update={"model": model})
    return kept, [key for key in left_out if key not in typed]

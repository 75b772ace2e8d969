"""The options of a search: what each is called, what it takes, and what Tab offers for it.

Knows no command; imports nothing heavy.
"""

from pathlib import Path
from typing import Annotated

import typer

from a3b_tune.cli.options import complete_from

MODELS = (
    "baseline",
    "simple_attention",
    "full_attention",
    "transformer",
    "encoder",
    "distilbert",
    "causal_transformer",
)
TENSORBOARD_DIR = "a3b-tune-tensorboard"
SAMPLERS = ("tpe", "random", "gp", "cmaes", "qmc", "grid")
PRECISIONS = ("auto", "float32", "tf32", "bfloat16")
PRUNERS = ("hyperband", "asha", "median", "percentile", "patient", "none")

Trials = Annotated[
    str | None,
    typer.Option(
        "--trials", "-n", metavar="N", help="Trials of the study in all, earlier ones too."
    ),
]
Timeout = Annotated[
    str | None, typer.Option(metavar="TIME", help="Stop after this time: 45s, 30m, 1h30m.")
]
MaxTime = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="A trial on text ends at its first evaluation after this time of its own: 30m, 2h.",
    ),
]
Budget = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Stop when all workers together have worked so long: 6gpu-h, 90cpu-m.",
    ),
]
Retries = Annotated[
    str | None,
    typer.Option(metavar="N", help="How often a trial runs again whose worker died or hung."),
]
Patience = Annotated[
    str,
    typer.Option(
        metavar="TIME",
        help="How long a database that is gone is waited for; trials go on meanwhile.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"Short for --set model.name=NAME: {', '.join(MODELS)}, or your.module:Class.",
        autocompletion=complete_from(MODELS),
    ),
]
Pool = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Short for --set model.pool=NAME: mean, max, select, or select|max.",
        autocompletion=complete_from(("mean", "max", "select")),
    ),
]
Name = Annotated[str | None, typer.Option(help="The study's name; by default that of its file.")]
Sampler = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"Who draws settings: {', '.join(SAMPLERS)}.",
        autocompletion=complete_from(SAMPLERS),
    ),
]
Pruner = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"Who ends weak trials early: {', '.join(PRUNERS)}.",
        autocompletion=complete_from(PRUNERS),
    ),
]
Seed = Annotated[
    str | None, typer.Option(metavar="N", help="The study's seed; every trial's comes from it.")
]
Workers = Annotated[
    str,
    typer.Option(
        "--workers",
        "-w",
        metavar="N",
        help="Processes that train at once; auto is one per core. With 1, and a number for "
        "--stack, the same seed gives the same trials.",
    ),
]
Stack = Annotated[
    str,
    typer.Option(
        metavar="N",
        help="Trials that one process trains at once; auto measures what is fastest; 1 trains them "
        "one by one.",
        autocompletion=complete_from(("auto",)),
    ),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="auto, cpu, cuda or cuda:N.",
        autocompletion=complete_from(("auto", "cpu", "cuda")),
    ),
]
Precision = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help=f"Numbers that a GPU computes with: {', '.join(PRECISIONS)}. A CPU has float32 alone.",
        autocompletion=complete_from(PRECISIONS),
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        metavar="KEY=VALUE",
        help="Any setting: a value (model.heads=4), a choice (model.heads=1|2|4) or a range "
        "(optimizer.lr=1e-4..1e-1:log). May be given often.",
    ),
]
TensorBoard = Annotated[
    bool,
    typer.Option(
        "--tensorboard",
        help=f"Write each trial's curves and samples for TensorBoard, into {TENSORBOARD_DIR}.",
    ),
]
TensorBoardDir = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="The same, into this folder."),
]
WandB = Annotated[
    str | None,
    typer.Option(
        "--wandb",
        metavar="PROJECT",
        help="Send each trial's curves to this project of Weights & Biases; "
        "with WANDB_MODE=offline they are only written.",
    ),
]


def folder_of(tensorboard: bool, folder: Path | None) -> Path | None:
    """Where curves are written for TensorBoard; None where nobody asked for them."""
    return Path(TENSORBOARD_DIR) if tensorboard and folder is None else folder

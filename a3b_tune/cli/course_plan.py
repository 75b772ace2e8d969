"""Which studies the course's questions need, and how long each may take within a budget.

Knows study files by their names; runs nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass

from a3b_tune.errors import InputError
from a3b_tune.study import StudyFile


@dataclass(frozen=True)
class Part:
    """One study: `role` is what the questions call it, `file` the study file it begins with, `name`
    its own in the storage. `changes` are as `--set` has them; with none the study is the very one
    that `a3b-tune run FILE` would run. It takes about `seconds` on two cores, and where it may not
    take longer than `most` it is stopped then; `trials` None are the file's own."""

    role: str
    file: str
    name: str
    trials: int | None
    changes: tuple[str, ...]
    seconds: float
    most: float | None = None


# Both models of question 9 read the same words.
_SHORT_IMDB = ("data.max_length=128",)
_SHORT_TRANSFORMER = (
    *_SHORT_IMDB,
    *("training.epochs=3", "study.pruner=none", "model.embedding_std=0.1"),
    *("model.heads=2|4", "optimizer.lr=2e-3..6e-3:log"),
)
_SHORT_TOY = (
    *("training.steps=1200", "training.evaluate_every=100", "training.windows=1000"),
    *("training.final_batches=30", "data.max_length=128", "study.pruner=none"),
    *("data.characters=300000", "model.depth=2", "model.head_width=8|16"),
    *("optimizer.lr=3e-3..1.2e-2:log",),
)
# Every rate with and without warm-up, on the same model.
_WARMUP = (
    *("data.max_length=64", "data.characters=300000", "model.depth=2", "model.head_width=8"),
    *("optimizer.weight_decay=0.01", "optimizer.beta2=0.98", "training.clip=none"),
    *("optimizer.lr=1e-3|1e-2|4e-2", "training.warmup=0.0|0.2", "training.schedule=constant"),
    *("study.sampler=grid", "study.pruner=none", "samples.length=0"),
    *("training.windows=1000", "training.final_batches=0"),
)
_SHORT_ROWS = ("training.epochs=5", "training.batch_size=64|128")
# Each pool with each rate: of few random draws one pool may get none.
_EACH_POOL = ("study.sampler=grid", "study.pruner=none")
_SHORT_POOLS = (
    *_EACH_POOL,
    *("training.epochs=5", "training.batch_size=64", "model.width=64"),
    "optimizer.lr=3e-4|1e-3|3e-3|1e-2|3e-2|1e-1",
)
QUICK = (
    *(
        Part(name, name, f"quick_{name}", 18, changes, seconds, 2 * seconds)
        for name, changes, seconds in (
            ("baseline_xor", _SHORT_POOLS, 20),
            ("baseline_synth", _SHORT_POOLS, 30),
            ("simple_attention_xor", _SHORT_ROWS, 25),
            ("simple_attention_synth", _SHORT_ROWS, 30),
            ("full_attention_xor", _SHORT_ROWS, 25),
            ("full_attention_synth", _SHORT_ROWS, 40),
            ("positions_xor", _SHORT_ROWS, 25),
        )
    ),
    Part("toy", "toy", "quick_toy", 4, _SHORT_TOY, 100, 150),
    Part(
        "warmup", "toy", "quick_warmup", 6,
        ("training.steps=300", "training.evaluate_every=30", *_WARMUP), 40, 80,
    ),
    Part("baseline_imdb", "baseline_imdb", "quick_baseline_imdb", 9,
         (*_SHORT_IMDB, *_EACH_POOL, "training.batch_size=64", "optimizer.lr=1e-3|3e-3|1e-2"),
         60, 110),
    Part("transformer_imdb", "transformer_imdb", "quick_transformer_imdb", 2, _SHORT_TRANSFORMER,
         120, 200),
)  # fmt: skip
_MINUTE, _HOUR = 60, 3600
FULL = (
    *(
        Part(name, name, name, None, (), 2 * _MINUTE)
        for name in (
            *("baseline_xor", "baseline_synth", "simple_attention_xor", "simple_attention_synth"),
            *("full_attention_xor", "full_attention_synth", "positions_xor"),
        )
    ),
    Part("baseline_imdb", "baseline_imdb", "baseline_imdb", None, (), 5 * _MINUTE),
    Part("warmup", "toy", "warmup", 6,
         ("training.steps=1500", "training.evaluate_every=100", *_WARMUP), 5 * _MINUTE),
    Part("toy", "toy", "toy", None, (), _HOUR),
    Part("transformer_imdb", "transformer_imdb", "transformer_imdb", None, (), _HOUR),
)  # fmt: skip
PLANS = {"quick": QUICK, "full": FULL}


def parts_of(budget: str, roles: Collection[str]) -> list[Part]:
    """The studies to run, in the order of running."""
    return [part for part in PLANS[budget] if part.role in roles]


def study_file(part: Part) -> StudyFile:
    """What a part runs, as `begin_or_go_on` takes it."""
    from a3b_tune.study import load, override
    from a3b_tune.study.catalogue import find

    changes = [f"study.name={part.name}", *part.changes]
    changes += [f"study.trials={part.trials}"] if part.trials is not None else []
    changes += [f"study.timeout={part.most:g}"] if part.most is not None else []
    try:
        return override(load(find(part.file)), changes)
    except InputError as error:
        raise AssertionError(f"the plan of {part.role}") from error

"""Valid settings and study files, drawn at random by hypothesis."""

from typing import Any

from hypothesis import strategies as st

from a3b_tune.study.file import StudyFile
from a3b_tune.study.settings import Choices, Range

words = st.text(min_size=1, max_size=12).filter(lambda text: text.isprintable() and text.strip())
names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
whole = st.integers(min_value=-(2**53), max_value=2**53)
real = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.one_of(st.booleans(), whole, real, words)


def choices_of(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Choices]:
    distinct = st.lists(values, min_size=1, max_size=4, unique=True)
    return distinct.map(lambda values: Choices(choices=tuple(values)))


@st.composite
def ranges(draw: st.DrawFn, ends: st.SearchStrategy[Any]) -> Range:
    low, high = sorted(draw(st.lists(ends, min_size=2, max_size=2, unique=True)))
    return Range(low=low, high=high, log=low > 0 and draw(st.booleans()))


@st.composite
def stepped(draw: st.DrawFn) -> Range:
    """Ranges with a step, whole or in tenths, that meet their high end."""
    low, step, count = draw(st.integers(-50, 50)), draw(st.integers(1, 9)), draw(st.integers(1, 9))
    numbers = {"low": low, "high": low + step * count, "step": step}
    if draw(st.booleans()):
        numbers = {key: number / 10 for key, number in numbers.items()}
    return Range(**numbers)


def a_setting(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value, a range or choices of these numbers."""
    return st.one_of(values, ranges(values), choices_of(values))


settings = st.one_of(
    scalars, choices_of(whole), choices_of(real), choices_of(words), ranges(whole), ranges(real),
    stepped(),
)  # fmt: skip

SHARE = st.floats(0.0, 0.99)
SEED = st.integers(0, 2**32 - 1)
COUNT = st.integers(1, 10_000)
SAMPLERS = st.one_of(
    st.sampled_from(["random", "gp", "cmaes", "qmc", "tpe"]),
    st.fixed_dictionaries({"name": st.just("tpe")}, optional={"startup_trials": COUNT}),
)
PRUNERS = st.one_of(
    st.sampled_from(["hyperband", "asha", "median", "percentile", "patient", "none"]),
    st.fixed_dictionaries(
        {"name": st.just("percentile")}, optional={"percentile": st.floats(0.1, 99.0)}
    ),
    st.fixed_dictionaries(
        {"name": st.just("asha")}, optional={"reduction_factor": COUNT.map(lambda n: n + 1)}
    ),
)
STUDY = st.fixed_dictionaries(
    {"name": words},
    optional={
        "question": words,
        "sampler": SAMPLERS,
        "pruner": PRUNERS,
        "trials": COUNT,
        "timeout": st.one_of(st.floats(0.001, 1e7), st.integers(1, 10**6), st.just("1h30m")),
        "seed": SEED,
    },
)
ANY_DATA = {"seed": SEED, "max_length": a_setting(COUNT), "vocabulary": st.integers(5, 10**6)}
TABLE = {"text_column": words, "label_column": words, "split": st.floats(0.01, 0.99)}
DATA = st.one_of(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["xor", "synth", "imdb"])}, optional={**ANY_DATA, "rows": COUNT}
    ),
    st.fixed_dictionaries(
        {"name": st.just("table"), "path": words}, optional={**ANY_DATA, **TABLE}
    ),
)
ANY_TEXT = {"seed": SEED, "max_length": a_setting(COUNT)}
TEXT = st.one_of(
    st.fixed_dictionaries({"name": st.just("toy")}, optional={**ANY_TEXT, "characters": COUNT}),
    st.fixed_dictionaries({"name": st.just("wp")}, optional=ANY_TEXT),
    st.fixed_dictionaries(
        {"name": st.just("text"), "path": words},
        optional={
            **ANY_TEXT,
            "tokens": st.sampled_from(["characters", "bytes"]),
            "split": st.floats(0.01, 0.49),
        },
    ),
)
OPTIMIZERS = ["adam", "adamw", "sgd", "sparse_adam"]
OPTIMIZER = st.fixed_dictionaries(
    {},
    optional={
        "name": st.one_of(st.sampled_from(OPTIMIZERS), choices_of(st.sampled_from(OPTIMIZERS))),
        "lr": a_setting(st.floats(1e-6, 1.0)),
        "weight_decay": a_setting(st.floats(0.0, 1.0)),
        "beta1": a_setting(SHARE),
        "beta2": a_setting(SHARE),
    },
)
BATCH = st.sampled_from(["batch_size", "batch_tokens"])
TRAINING = st.builds(
    lambda training, key, batch: {**training, key: batch},
    st.fixed_dictionaries(
        {},
        optional={
            "epochs": a_setting(COUNT),
            "warmup": a_setting(SHARE),
            "schedule": st.sampled_from(["constant", "linear", "cosine"]),
            "clip": a_setting(st.floats(0.1, 10.0)),
            "label_smoothing": a_setting(SHARE),
            "word_dropout": a_setting(SHARE),
        },
    ),
    BATCH,
    a_setting(COUNT),
)
MODEL = st.builds(
    lambda name, keys: {**keys, "name": name},
    st.one_of(names, choices_of(names)),
    st.dictionaries(names, settings, max_size=4),
)


@st.composite
def text_training(draw: st.DrawFn) -> dict[str, Any]:
    """[training] of a text; its steps are multiples of those between two evaluations."""
    every = draw(st.integers(1, 500))
    low, rounds = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    steps = st.sampled_from(
        [
            low * every,
            Choices(choices=tuple(n * every for n in range(low, low + rounds))),
            Range(low=low * every, high=(low + rounds) * every, step=every),
        ]
    )
    optional = {
        "accumulate": COUNT,
        "windows": COUNT,
        "final_batches": st.integers(0, 9),
        "max_time": st.one_of(st.integers(1, 10**6), st.sampled_from(["0.5s", "1h30m"])),
        "batch_size": a_setting(COUNT),
        "clip": a_setting(st.floats(0.1, 10.0)),
    }
    rest: dict[str, Any] = draw(st.fixed_dictionaries({}, optional=optional))
    return {**rest, "evaluate_every": every, "steps": draw(steps)}


SAMPLES = st.fixed_dictionaries(
    {},
    optional={
        "length": st.integers(0, 500),
        "temperature": st.floats(0.0, 9.0),
        "top_k": st.integers(0, 500),
        "seed_length": COUNT,
    },
)

text_files: st.SearchStrategy[StudyFile] = st.builds(
    StudyFile,
    study=STUDY,
    data=TEXT,
    model=MODEL,
    optimizer=OPTIMIZER,
    training=text_training(),
    samples=SAMPLES,
)
row_files: st.SearchStrategy[StudyFile] = st.builds(
    StudyFile, study=STUDY, data=DATA, model=MODEL, optimizer=OPTIMIZER, training=TRAINING
)
study_files: st.SearchStrategy[StudyFile] = st.one_of(row_files, text_files)

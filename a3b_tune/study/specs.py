"""How a study searches: the samplers and pruners that a study file can name, with their options.

Each is written as its bare name, `pruner = "median"`, or with options,
`pruner = { name = "median", warmup_epochs = 2 }`. Knows nothing of Optuna, which provides them.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, PlainValidator, ValidationError, ValidationInfo

from a3b_tune.errors import unknown
from a3b_tune.study.kinds import Real, SettingError, Whole
from a3b_tune.study.scalars import Scalar, shown


class Spec(BaseModel):
    """A name with the options that belong to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str

    @property
    def options(self) -> dict[str, Scalar]:
        """The options by name, defaults filled in."""
        return {key: value for key, value in self.model_dump().items() if key != "name"}


class Tpe(Spec):
    """Tree-structured Parzen estimator; the first `startup_trials` are drawn at random."""

    name: Literal["tpe"] = "tpe"
    startup_trials: Annotated[int, Whole(low=1, fixed=True)] = 10


class PlainSampler(Spec):
    """A sampler without options: random draws, Gaussian process, CMA-ES, quasi-random, grid."""

    name: Literal["random", "gp", "cmaes", "qmc", "grid"]


class Hyperband(Spec):
    """Several successive halvings side by side; resources are epochs."""

    name: Literal["hyperband"] = "hyperband"
    min_resource: Annotated[int, Whole(low=1, fixed=True)] = 1
    reduction_factor: Annotated[int, Whole(low=2, fixed=True)] = 3


class Asha(Spec):
    """Asynchronous successive halving; resources are epochs."""

    name: Literal["asha"] = "asha"
    min_resource: Annotated[int, Whole(low=1, fixed=True)] = 1
    reduction_factor: Annotated[int, Whole(low=2, fixed=True)] = 3
    min_early_stopping_rate: Annotated[int, Whole(low=0, fixed=True)] = 0


class Median(Spec):
    """Stops a trial that is below the median of earlier trials at the same epoch."""

    name: Literal["median"] = "median"
    startup_trials: Annotated[int, Whole(low=0, fixed=True)] = 5
    warmup_epochs: Annotated[int, Whole(low=0, fixed=True)] = 1


class Percentile(Spec):
    """Keeps the best `percentile` per cent of the trials at each epoch."""

    name: Literal["percentile"] = "percentile"
    percentile: Annotated[float, Real(above=0.0, below=100.0, fixed=True)] = 25.0
    startup_trials: Annotated[int, Whole(low=0, fixed=True)] = 5
    warmup_epochs: Annotated[int, Whole(low=0, fixed=True)] = 1


class Patient(Spec):
    """Stops a trial whose last `patience` epochs brought nothing as good as what was before, but
    for `min_delta` of the metric."""

    name: Literal["patient"] = "patient"
    patience: Annotated[int, Whole(low=1, fixed=True)] = 3
    min_delta: Annotated[float, Real(low=0.0, below=1.0, fixed=True)] = 0.0


class NoPruner(Spec):
    """Every trial runs through all its epochs."""

    name: Literal["none"] = "none"


Sampler = Tpe | PlainSampler
Pruner = Hyperband | Asha | Median | Percentile | Patient | NoPruner
SAMPLERS: dict[str, type[Spec]] = {
    "tpe": Tpe,
    **dict.fromkeys(("random", "gp", "cmaes", "qmc", "grid"), PlainSampler),
}
PRUNERS: dict[str, type[Spec]] = {
    "hyperband": Hyperband,
    "asha": Asha,
    "median": Median,
    "percentile": Percentile,
    "patient": Patient,
    "none": NoPruner,
}
SPECS: dict[str, dict[str, type[Spec]]] = {"sampler": SAMPLERS, "pruner": PRUNERS}
"""The classes by key of [study] and by name."""


def read_spec(value: object, info: ValidationInfo) -> Spec:
    """The sampler or pruner, by the field's name, that a value stands for: a name, or a table of a
    name and options. Raises ValueError, or SettingError at the option that is wrong."""
    what = str(info.field_name)
    known = SPECS[what]
    if isinstance(value, Spec):
        value = value.model_dump()
    fields = value if isinstance(value, Mapping) else {"name": value}
    if {"choices", "low", "high"} & set(fields):
        raise ValueError(f"must be one {what} (it is never searched), not {shown(value)}")
    if "name" not in fields:
        raise ValueError(f'has no name; write {{ name = "{next(iter(known))}", ... }}')
    name = fields["name"]
    if not isinstance(name, str) or name not in known:
        raise ValueError(unknown(what, name, known))
    return _with_options(known[name], f"study.{what}", fields)


def _with_options(kind: type[Spec], key: str, fields: Mapping[str, object]) -> Spec:
    options = [option for option in kind.model_fields if option != "name"]
    for option in fields:
        if option not in kind.model_fields:
            text = unknown(f"option of {fields['name']}", option, options)
            raise ValueError(
                text if options else f"{fields['name']} has no options, so no {option!r}"
            )
    try:
        return kind.model_validate(dict(fields))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        cause = first.get("ctx", {}).get("error", first["msg"])
        raise SettingError(f"{key}.{first['loc'][0]}", str(cause)) from None


SamplerSpec = Annotated[Sampler, PlainValidator(read_spec)]
PrunerSpec = Annotated[Pruner, PlainValidator(read_spec)]

"""The models by name, and what can be set of each.

Knows nothing of study files or trials: a model's settings are the keyword arguments of its
`__init__`, read from its signature. A name with a colon is that of a person's own class.
"""

import inspect
from collections.abc import Mapping
from typing import Literal, get_args, get_origin, get_type_hints

from torch import nn

from a3b_tune.errors import InputError, unknown
from a3b_tune.models.baseline import Baseline
from a3b_tune.models.causal_transformer import CausalTransformer
from a3b_tune.models.distilbert import DistilBert
from a3b_tune.models.encoder import Encoder
from a3b_tune.models.full_attention import FullAttention
from a3b_tune.models.own import FROM_DATA, annotated_kinds, is_own, own_class
from a3b_tune.models.simple_attention import SimpleAttention
from a3b_tune.models.transformer import Transformer

MODELS: dict[str, type[nn.Module]] = {
    "baseline": Baseline,
    "simple_attention": SimpleAttention,
    "full_attention": FullAttention,
    "transformer": Transformer,
    "encoder": Encoder,
    "distilbert": DistilBert,
    "causal_transformer": CausalTransformer,
}
TEXT_MODELS = ("causal_transformer",)
ROW_MODELS = tuple(name for name in MODELS if name not in TEXT_MODELS)


def model_class(name: str) -> type[nn.Module]:
    """The class called `name`, a person's own imported; InputError with the nearest name where
    there is none, or with what is wrong with it."""
    if name in MODELS:
        return MODELS[name]
    if is_own(name):
        return own_class(name)
    hint = "; a model of your own is written package.module:Class" if "." in name else ""
    raise InputError(unknown("model", name, MODELS) + hint)


def reads_text(name: str) -> bool:
    """Whether a model predicts each next token of a text, and not the class of a row."""
    if is_own(name):
        return bool(getattr(model_class(name), "reads_text", False))
    return name in TEXT_MODELS


def settings_of(name: str) -> dict[str, inspect.Parameter]:
    """What can be set of a model, by name, with default and annotation, in the signature's order.

    Without what the data decides (vocabulary, classes, max_length). InputError: no such model.
    """
    parameters = inspect.signature(model_class(name).__init__).parameters
    return {key: value for key, value in parameters.items() if key not in ("self", *FROM_DATA)}


def check_setting(name: str, key: str, value: object) -> None:
    """InputError in one line where model `name` has no setting `key` or it cannot be `value`.

    Checks the kind of the value (and the word, where a setting is one of a few); what hangs on two
    settings together is checked by `build`.
    """
    known = settings_of(name)
    if key not in known:
        raise InputError(unknown(f"setting of model {name}", key, known))
    kinds = annotated_kinds(get_type_hints(model_class(name).__init__)[key])
    words = [word for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)]
    if words and value not in words:
        raise InputError(f"model.{key}: " + unknown(key, value, words))
    if not words and not any(fits(value, kind) for kind in kinds):
        wanted = " or ".join(kind.__name__ for kind in kinds if kind is not type(None))
        raise InputError(f"model.{key}: {value!r} is not {wanted}")


def fits(value: object, kind: type) -> bool:
    """Whether a value is of a kind; a whole number is a float, True and False are no numbers."""
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def build(
    name: str,
    *,
    vocabulary: int,
    classes: int,
    max_length: int,
    **settings: bool | int | float | str,
) -> nn.Module:
    """The model `name`, with PyTorch's default initial weights from the global generator.

    Its forward takes tokens (B, T) int64 (T at most `max_length`) and gives logits: (B, classes),
    where token 0 is padding; of a model that reads text (B, T, classes). InputError in one line: no
    such model, no such setting (with the nearest), a value of the wrong kind or out of bounds,
    heads that do not fit the width. Under `with torch.device("meta")` all of that is checked and
    nothing is allocated.
    """
    check_settings(name, settings)
    sizes = {"vocabulary": vocabulary, "classes": classes, "max_length": max_length}
    try:
        return model_class(name)(**sizes, **settings)
    except ValueError as error:
        raise InputError(f"model {name}: {error}") from error


def check_settings(name: str, settings: Mapping[str, object]) -> None:
    """`check_setting` for each of them."""
    for key, value in settings.items():
        check_setting(name, key, value)

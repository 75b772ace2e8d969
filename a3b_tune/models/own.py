"""A model of a person's own, "package.module:Class" in a study file: found, imported, looked at.

The current folder is searched first, as it is by `python -m`. What is wrong with the class is one
line. Knows neither the models that come with a3b-tune nor study files.
"""

import hashlib
import importlib
import inspect
import re
import sys
import traceback
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from torch import nn

from a3b_tune.errors import InputError, unknown

FROM_DATA = ("vocabulary", "classes", "max_length")
"""What the data decides; every model takes them, by keyword."""
NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
KINDS = (bool, int, float, str)
LONGEST = 160  # characters of somebody else's error


def is_own(name: str) -> bool:
    """Whether a name is that of a person's own model."""
    return ":" in name


def own_class(name: str) -> type[nn.Module]:
    """The class that "package.module:Class" names.

    :raises InputError: it cannot be had, or is no model: one line that says why.
    """
    if not NAME.fullmatch(name):
        raise InputError(
            f"{name!r} names no model; a model of your own is written package.module:Class"
        )
    path, _, word = name.partition(":")
    module = _imported(path)
    classes = [key for key, value in vars(module).items() if _is_model(value) and _theirs(value)]
    if not hasattr(module, word):
        raise InputError(f"{path}: " + unknown("class", word, classes))
    kind = getattr(module, word)
    if not _is_model(kind):
        raise InputError(f"{name}: is {_what(kind)}, not a class derived from torch.nn.Module")
    _check_signature(name, kind)
    return kind  # type: ignore[no-any-return]


def source_hash(name: str) -> str | None:
    """The SHA-256 of the file in which a class was written; None where it is in none."""
    try:
        found = inspect.getsourcefile(own_class(name))
        return None if found is None else hashlib.sha256(Path(found).read_bytes()).hexdigest()
    except (TypeError, OSError):
        return None


def told(error: BaseException) -> str:
    """Somebody else's error as one clause: kind, first sentence, and where it was raised."""
    text = next(iter(str(error).splitlines()), "").partition(". ")[0].strip().removesuffix(".")
    text = "".join(filter(str.isprintable, text))
    text = text if len(text) <= LONGEST else text[: LONGEST - 2] + " …"
    kind = type(error).__name__
    where = _where(error)
    return f"{kind}: {text}{where}" if text else f"{kind}{where}"


def annotated_kinds(hint: object) -> tuple[Any, ...]:
    """The members of a union, or the one annotation there is."""
    return get_args(hint) if get_origin(hint) in (UnionType, Union) else (hint,)


def _imported(path: str) -> ModuleType:
    if path in sys.modules:
        return sys.modules[path]
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(path)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 (whatever a person's module raises)
        # A missing part of the path itself, not something that the module wants to import.
        if isinstance(error, ModuleNotFoundError) and f"{path}.".startswith(f"{error.name}."):
            files = [file.stem for file in Path.cwd().glob("*.py")]
            near = get_close_matches(path, files, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise InputError(
                f"no module {str(error.name)!r} in {folder} or among the installed packages{hint}"
            ) from None
        raise InputError(f"importing {path!r} failed: {told(error)}") from None


def _where(error: BaseException) -> str:
    """The last line of the person's own code that an error came through."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({_short(error.filename)}, line {error.lineno})"
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith("<")
    ]
    ours = str(Path(__file__).parents[1])
    theirs = [frame for frame in frames if not frame.filename.startswith(ours)]
    here = [frame for frame in theirs if Path(frame.filename).is_relative_to(Path.cwd())]
    for frame in (here or theirs)[-1:]:
        return f" ({_short(frame.filename)}, line {frame.lineno})"
    return ""


def _short(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _is_model(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, nn.Module)


def _theirs(kind: type) -> bool:
    return kind.__module__.partition(".")[0] not in ("torch", "a3b_tune")


def _what(value: object) -> str:
    if isinstance(value, type):
        return "a class of another kind"
    return f"a {type(value).__name__}"


def _check_signature(name: str, kind: type[nn.Module]) -> None:
    parameters = inspect.signature(kind.__init__).parameters
    for key in FROM_DATA:
        if key not in parameters:
            raise InputError(
                f"{name}: its __init__ takes no {key!r}; it is called with the keywords"
                " vocabulary, classes and max_length, and with its settings"
            )
    try:
        hints = get_type_hints(kind.__init__)
    except Exception as error:  # noqa: BLE001 (annotations are a person's code)
        raise InputError(f"{name}: an annotation of its __init__ fails: {told(error)}") from None
    own = list(parameters.values())[1:]
    for parameter in own:
        if parameter.name not in FROM_DATA:
            _check_parameter(name, parameter, hints)


def _check_parameter(name: str, parameter: inspect.Parameter, hints: Mapping[str, object]) -> None:
    key = parameter.name
    if parameter.kind not in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD):
        raise InputError(f"{name}: its __init__ takes {parameter}; name each setting instead")
    if key == "name":
        raise InputError(f"{name}: a setting cannot be called 'name', which says which model it is")
    kinds = annotated_kinds(hints[key]) if key in hints else ()
    right = "bool, int, float, str, a Literal of words, or one of them | None"
    if not kinds:
        raise InputError(f"{name}: setting {key!r} has no annotation; it needs {right}")
    if not all(map(_can_be_set, kinds)) or kinds == (type(None),):
        raise InputError(
            f"{name}: setting {key!r} cannot be {_shown(hints[key])} in a study file; it may be"
            f" {right}"
        )
    if parameter.default is parameter.empty:
        raise InputError(f"{name}: setting {key!r} has no default")


def _can_be_set(kind: object) -> bool:
    if get_origin(kind) is Literal:
        return all(isinstance(word, KINDS) for word in get_args(kind))
    return kind in (*KINDS, type(None))


def _shown(hint: object) -> str:
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint)

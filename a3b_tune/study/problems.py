"""A study file that cannot be: the first thing that is wrong with it, in one line.

Turns pydantic's errors into "KEY: what is wrong, VALUE; did you mean NAME?". Knows the names of
sections and keys; knows nothing of where the file came from.
"""

from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from a3b_tune.errors import unknown
from a3b_tune.study.kinds import SettingError
from a3b_tune.study.scalars import shown
from a3b_tune.study.sections import SECTIONS, keys_of


def first_problem(error: ValidationError) -> str:
    """One mistake as a clause that begins with its key, and how many more there are. Unknown names
    come first: where one stands, another is often missing."""
    problems = error.errors(include_url=False)
    real = [problem for problem in problems if problem["type"] != "default_factory_not_called"]
    real.sort(key=lambda problem: problem["type"] != "extra_forbidden")
    more = f" (and {len(real) - 1} more)" if len(real) > 1 else ""
    return _clause(real[0]) + more


def unknown_key(section: str, key: str) -> str:
    """One clause for a key that its section does not have, with the nearest right one."""
    homes = [name for name in SECTIONS if name != "model" and key in keys_of(name)]
    if homes:
        return f"{section}: unknown key {shown(key)}; it belongs in [{homes[0]}]"
    return f"{section}: {unknown('key', key, keys_of(section))}"


def unknown_section(name: str) -> str:
    """One clause for a name that is no section, with the section or the key that it may mean."""
    keys = {key: f"{section}.{key}" for section in SECTIONS for key in keys_of(section)}
    near = get_close_matches(name, SECTIONS, n=1) or get_close_matches(name, keys, n=1)
    if near and near[0] in keys:
        return f"unknown section {shown(name)}; did you mean {keys[near[0]]!r}?"
    return unknown("section", name, SECTIONS)


def _clause(problem: ErrorDetails) -> str:
    loc = [str(part) for part in problem["loc"]]
    key = ".".join(loc)
    match problem["type"]:
        case "value_error":
            cause = problem["ctx"]["error"]
            return f"{cause.key if isinstance(cause, SettingError) else key}: {cause}"
        case "missing":
            return f"{key}: missing" if len(loc) > 1 else f"the section [{key}] is missing"
        case "extra_forbidden":
            return unknown_key(*loc) if len(loc) == 2 else unknown_section(key)
        case _:
            return f"{key}: must be a section, [{key}], not {shown(problem['input'])}"

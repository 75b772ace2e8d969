"""What all sections of a study file have in common, and which data sets there are.

Knows no section.
"""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from a3b_tune.study.kinds import Real, SettingError, Whole
from a3b_tune.study.settings import Choices, Range

ROW_DATA = ("xor", "synth", "imdb", "table")
TEXT_DATA = ("toy", "wp", "text")
"""Rows have labels; a text is one long sequence of tokens, each of which is predicted."""
DATA_NAMES = (*ROW_DATA, *TEXT_DATA)

SEED = Whole(low=0, high=2**32 - 1, fixed=True)
SHARE = Real(low=0.0, below=1.0)

IntSetting = int | Range | Choices
FloatSetting = float | Range | Choices
WordSetting = str | Choices


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def refuse_foreign(
    section: Section, name: str, keys: Mapping[str, tuple[str, ...]], data: str
) -> None:
    """Refuses a key that was given and that this data does not have. Raises SettingError."""
    for key, owners in keys.items():
        if data not in owners and key in section.model_fields_set:
            raise SettingError(f"{name}.{key}", only(owners, data))


def only(owners: tuple[str, ...], data: str) -> str:
    """One clause for a key that only this data has."""
    *most, last = owners
    have = f"{', '.join(most)} and {last} have" if most else f"{last} has"
    return f"only {have} it, and data.name is {data}"

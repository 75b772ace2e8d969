"""Where two study files contradict each other, so that a study cannot go on.

Knows nothing of storages, nor of which of the two is right.
"""

from a3b_tune.study.file import StudyFile
from a3b_tune.study.settings import read_setting, show_setting


def differences(stored: StudyFile, asked: StudyFile) -> list[str]:
    """One text for each key of `StudyFile.identity` that differs, in the order of a file:
    "model.heads: stored 1|2|4, asked 4"."""
    before, after = _flat(stored), _flat(asked)
    return [
        f"{key}: stored {before.get(key, 'nothing')}, asked {after.get(key, 'nothing')}"
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    ]


def _flat(file: StudyFile) -> dict[str, str]:
    """Each dotted key as the command line would write it; the type is seen there, 1 is not 1.0."""
    return {
        f"{section}.{key}": _show(value)
        for section, values in file.identity().items()
        for key, value in values.items()
    }


def _show(value: object) -> str:
    if isinstance(value, dict) and "name" in value:
        options = ", ".join(f"{key}={option}" for key, option in value.items() if key != "name")
        return f"{value['name']}({options})"
    return show_setting(read_setting(value))

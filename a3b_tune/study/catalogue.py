"""Where study files are: the shipped ones by name, a person's own by path.

The shipped ones lie in the package's folder `studies` when installed from a wheel, and beside the
package in a checkout. Knows nothing of what is in them.
"""

from importlib.resources import files
from pathlib import Path

from a3b_tune.errors import InputError, unknown


def shipped() -> dict[str, Path]:
    """The shipped study files by name, in alphabetical order. Raises InputError where the
    installation has none."""
    package = Path(str(files("a3b_tune")))
    for folder in (package / "studies", package.parent / "studies"):
        found = {path.stem: path for path in sorted(folder.glob("*.toml"))}
        if found:
            return found
    raise InputError(f"{package / 'studies'}: no study files; install a3b-tune again")


def find(name_or_path: str) -> Path:
    """The file of a shipped study, or the path itself where it names a file. A bare name is a
    shipped study first, then a file. Raises InputError with the nearest right name."""
    path, known = Path(name_or_path).expanduser(), shipped()
    if name_or_path in known:
        return known[name_or_path]
    if path.is_file():
        return path
    if path.is_dir():
        raise InputError(f"{name_or_path}: is a folder, not a study file")
    if path.suffix != ".toml" and len(path.parts) == 1:
        raise InputError(unknown("study", name_or_path, known))
    hint = f"; the shipped study is called {path.stem!r}" if path.stem in known else ""
    raise InputError(f"{name_or_path}: no such file{hint}")

"""A report into a file: HTML, PDF or Markdown by the end of its name, the whole of it or nothing.

Knows no study.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from a3b_tune.errors import InputError
from a3b_tune.results.report.blocks import Report

NEEDED = {
    ".html": ("jinja2", "matplotlib", "plotly"),
    ".pdf": ("matplotlib", "typst"),
    ".md": ("matplotlib",),
}
# The pictures of an earlier report, which nobody else names like this.
OURS = re.compile(r"plot-[0-9a-f]{16}\.png")


def check_path(path: Path) -> None:
    """Before anything is read: whether a report can be written there.

    :raises InputError: the name's end is none of ours, its folder is not there, it is one,
        or a package is missing.
    """
    suffix = path.suffix.lower()
    if suffix not in NEEDED:
        known = ", ".join(NEEDED)
        raise InputError(f"{path}: a report's name ends in one of {known}, not in {suffix!r}")
    missing = [name for name in NEEDED[suffix] if find_spec(name) is None]
    if missing:
        names = " and ".join(missing)
        raise InputError(f"{path}: this needs {names}: pip install 'a3b-tune[report]'")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise InputError(f"{path}: the folder {folder} does not exist")
    if path.is_dir():
        raise InputError(f"{path}: this is a folder; give a file in it")


def write_report(report: Report, path: Path) -> None:
    """Writes a report; what was there before is replaced at the end, by all of it. The pictures of
    `report.md` lie in `report_files/` beside it.

    :raises InputError: as in `check_path`, or it cannot be written.
    """
    check_path(path)
    with _told(path):
        match path.suffix.lower():
            case ".html":
                from a3b_tune.results.report import html

                _put(path, html.render(report))
            case ".pdf":
                from a3b_tune.results.report import typst_pdf

                _put(path, typst_pdf.render(report))
            case _:
                from a3b_tune.results.report import markdown

                folder = path.resolve().with_name(f"{path.stem}_files")
                _put_with(path, *markdown.render(report, folder.name), folder)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What goes wrong in one line."""
    try:
        yield
    except ImportError as error:
        raise InputError(
            f"{path}: this needs {error.name}: pip install 'a3b-tune[report]'"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from None


def _put(path: Path, content: bytes) -> None:
    final = path.resolve()
    part = final.with_name(f".{final.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(final)
    finally:
        part.unlink(missing_ok=True)


def _put_with(path: Path, text: bytes, pictures: dict[str, bytes], folder: Path) -> None:
    """The pictures first, under names that no earlier report has for others, so that the text finds
    its own at any moment; then those that no text shows any more are removed."""
    made: list[Path] = []
    fresh = bool(pictures) and not folder.exists()
    try:
        if fresh:
            folder.mkdir()
        for name, content in pictures.items():
            if not (folder / name).exists():
                made.append(folder / name)
                _put(folder / name, content)
        _put(path, text)
    except BaseException:
        for picture in made:
            picture.unlink(missing_ok=True)
        if fresh:
            with suppress(OSError):
                folder.rmdir()
        raise
    _forget(folder, set(pictures))


def _forget(folder: Path, shown: set[str]) -> None:
    with suppress(OSError):
        for picture in folder.iterdir():
            if OURS.fullmatch(picture.name) and picture.name not in shown:
                picture.unlink()
        if not shown:
            folder.rmdir()

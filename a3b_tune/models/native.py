"""C++ of this package, compiled once on a machine for its very processor and then kept.

Knows nothing of what the code does. What is compiled lies in the user's cache under a name that
hangs on source, flags and processor, so another processor on the same home folder has its own.
"""

import os
import platform
import re
import shutil
import subprocess
from ctypes import CDLL
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

FLAGS = (
    *("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math"),
    *("-fopenmp", "-shared", "-fPIC"),
)
LONGEST = 120.0  # seconds that compiling may take


@cache
def compiler() -> str | None:
    """The C++ compiler that PyTorch would call, None where there is none."""
    names = (os.environ.get("CXX"), "g++", "clang++")
    return next((found for name in names if name and (found := shutil.which(name))), None)


@cache
def library(source: Path) -> CDLL | None:
    """A source file as a library, compiled where that was not done before; None where this machine
    cannot, as one without a compiler: what it does must be there in another way too."""
    tool = compiler()
    if tool is None:
        return None
    text = "\n".join((source.read_text(), *FLAGS, tool, processor()))
    kept = cache_folder() / f"{source.stem}-{sha256(text.encode()).hexdigest()[:16]}.so"
    try:
        if not kept.exists():
            build(tool, source, kept)
        return CDLL(str(kept))
    except (OSError, subprocess.SubprocessError):
        return None


def build(tool: str, source: Path, to: Path) -> None:
    """Compiles; several at once leave one whole file. Raises what `subprocess.run` does."""
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with TemporaryDirectory(dir=to.parent) as folder:
        made = Path(folder) / to.name
        command = [tool, *FLAGS, str(source), "-o", str(made)]
        subprocess.run(command, check=True, capture_output=True, timeout=LONGEST)
        made.replace(to)


def cache_folder() -> Path:
    """Where libraries are kept: the user's own folder, since what lies there is run."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "a3b-tune" / "native"


def processor() -> str:
    """What tells processors apart that understand different instructions."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text() if info.exists() else ""
    found = re.findall(r"^(?:model name|flags|Features)\s*:.*$", lines, re.MULTILINE)
    return "\n".join(sorted(set(found))) or platform.processor() or platform.node()

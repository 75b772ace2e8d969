"""Commands of Slurm that say what a test tells them to, and remember how they were called."""

import os
import stat
from pathlib import Path

COMMANDS = ("sbatch", "squeue", "scancel", "scontrol", "sacct")
# Written for the shell, because a test may call it a hundred times.
SCRIPT = """#!/bin/sh
here='{folder}'; name=$(basename "$0")
{{ printf '%s\\036' "$name" "$@"; printf '\\n'; }} >> "$here/calls"
cat > "$here/$name.stdin"
printf '%s' "$A3B_TUNE_STORAGE" > "$here/$name.storage"
env > "$here/$name.environment"
cat "$here/$name.out" 2> /dev/null; cat "$here/$name.err" >&2 2> /dev/null
exit "$(cat "$here/$name.code" 2> /dev/null || echo 0)"
"""


class FakeSlurm:
    """A folder of commands; `sbatch` names job 12 unless it is told otherwise."""

    def __init__(self, folder: Path, without: tuple[str, ...] = ()) -> None:
        self.folder = folder
        folder.mkdir()
        for name in set(COMMANDS) - set(without):
            path = folder / name
            path.write_text(SCRIPT.format(folder=folder))
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        self.answer("sbatch", "12\n")
        self.answer("sacct", error="Slurm accounting storage is disabled\n", code=1)

    @property
    def path(self) -> str:
        """For $PATH: what is left out is not found elsewhere either."""
        tools = self.folder / "tools"
        if not tools.exists():
            tools.mkdir()
            for name in ("sh", "basename", "cat", "env", "printf"):
                found = next(p for p in ("/bin", "/usr/bin") if Path(p, name).exists())
                (tools / name).symlink_to(Path(found, name))
        return os.pathsep.join([str(self.folder), str(tools)])

    def answer(self, command: str, output: str = "", error: str = "", code: int = 0) -> None:
        """What a command will say from now on."""
        for suffix, text in (("out", output), ("err", error), ("code", str(code))):
            (self.folder / f"{command}.{suffix}").write_text(text)

    def calls(self, *commands: str) -> list[list[str]]:
        """The words of every call, in order; of these commands alone where some are named."""
        found = self.folder / "calls"
        lines = found.read_text().split("\036\n")[:-1] if found.exists() else []
        words = [line.split("\036") for line in lines]
        return [call for call in words if not commands or call[0] in commands]

    def heard(self, command: str) -> str:
        """What a command was told on its standard input, the last time."""
        return (self.folder / f"{command}.stdin").read_text()

    def environment(self, command: str) -> str:
        return (self.folder / f"{command}.environment").read_text()

    def storage(self) -> str:
        """Where the studies are, as the workers of the last `sbatch` will know."""
        return (self.folder / "sbatch.storage").read_text()

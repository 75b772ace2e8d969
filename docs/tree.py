"""Prints the project's tree, a line per file, each with the first sentence that the file says of
itself; `--write` puts it into the README.

    python docs/tree.py --write
"""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- tree -->\n```\n", "```\n<!-- /tree -->"
SUFFIXES = (".py", ".toml", ".md", ".sh", "compose.yaml", "Dockerfile")
FOLDERS = ("studies", "a3b_tune", "benchmarks", "docs", "docker")
TOLD = {
    "README.md": "this page",
    "CHANGELOG.md": "what changed, in users' words",
    "CONTRIBUTING.md": "how to work on it",
    "LICENSE": "MIT",
    "Makefile": "setup, test, check, bench",
    "pyproject.toml": "the package, its extras, the tools' settings",
    "constraints.txt": "the exact versions that are tested",
    ".ci/run": "what a clean checkout is judged by",
    "tests/": "mirrors the package, a test file per module; bad input, README, studies, end to end",
}


def tracked() -> list[str]:
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True)
    return sorted(path for path in found.stdout.splitlines() if (ROOT / path).exists())


def sentence(path: Path) -> str:
    """The first sentence of a module's docstring or of a study's or document's first lines."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        text = ast.get_docstring(ast.parse(text)) or ""
    elif path.suffix == ".toml":
        return str(tomllib.loads(text)["study"]["question"])
    elif path.suffix == ".md":
        text = text.lstrip("# ")
    else:
        # A script's or a container's file begins with a comment, behind what its reader must see.
        told = [line for line in text.splitlines() if re.match(r"#\s(?!syntax)", line)]
        text = " ".join(line.lstrip("# ") for line in told[:4])
    first = re.split(r"(?<=[.?!;])\s", " ".join(text.split("\n\n")[0].split()))[0]
    return first.rstrip(".;")


def lines() -> list[str]:
    rows = [(name, TOLD[name]) for name in TOLD if name != "tests/"]
    paths = [Path(path) for path in tracked() if path.endswith(SUFFIXES)]
    for folder in FOLDERS:
        rows += _folder(Path(folder), paths)
    rows.append(("tests/", TOLD["tests/"]))
    width = max(len(name) for name, _ in rows) + 2
    return [f"{name:<{width}}{told}".rstrip() for name, told in rows]


def _folder(folder: Path, paths: list[Path]) -> list[tuple[str, str]]:
    """A folder's own files, then its folders."""
    inside = [path for path in paths if folder in path.parents]
    if not inside:
        return []
    depth = len(folder.parts)
    init = ROOT / folder / "__init__.py"
    rows = [(f"{'  ' * (depth - 1)}{folder.name}/", sentence(init) if init.exists() else "")]
    files = [path for path in inside if path.parent == folder and path.name != "__init__.py"]
    rows += [(f"{'  ' * depth}{path.name}", sentence(ROOT / path)) for path in files]
    for name in sorted({path.parts[depth] for path in inside if len(path.parts) > depth + 1}):
        rows += _folder(folder / name, paths)
    return rows


def tree() -> str:
    return BEGIN + "\n".join(lines()) + "\n" + END


def main() -> None:
    if "--write" not in sys.argv:
        print("\n".join(lines()))
        return
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    start, end = text.index(BEGIN), text.index(END) + len(END)
    readme.write_text(text[:start] + tree() + text[end:], encoding="utf-8")


if __name__ == "__main__":
    main()

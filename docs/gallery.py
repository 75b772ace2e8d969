"""The pictures of the documentation, made of real runs.

    python docs/gallery.py                                     # runs its own studies: 5 minutes
    python docs/gallery.py --storage sqlite:///FILE.db STUDY   # pictures of a study that is there

Draws the plots of each study's report as PNG files into `docs/gallery/` and writes a page that
names the commands behind them. Nothing is drawn that a report does not hold.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from a3b_tune.results.overview import study_overview
from a3b_tune.results.report.blocks import Plot, Plots, Report
from a3b_tune.results.report.matplotlib_plots import png
from a3b_tune.results.report.study_report import study_report
from a3b_tune.storage.opening import open_storage
from a3b_tune.tuning.studies import open_study

FOLDER = Path(__file__).with_name("gallery")
RUNS = [
    "a3b-tune run positions_xor --trials 24",
    "a3b-tune synth --trials 60",
    "a3b-tune confirm synth --top 4 --seeds 6",
]
# The sections of a report whose plots are shown.
SHOWN = ("history", "curves", "sure", "decided", "settings")


def ran(folder: Path) -> str:
    """Runs the studies in a folder: their storage."""
    for command in RUNS:
        words = command.split()[1:]
        code = "from a3b_tune.cli.app import main; main()"
        print(command, flush=True)
        subprocess.run([sys.executable, "-c", code, *words], cwd=folder, check=True)
    return f"sqlite:///{folder}/a3b-tune.db"


def plots(report: Report) -> Iterator[tuple[str, Plot]]:
    """Each plot of the shown sections, with the section's key."""
    for section in report.walk():
        key = section.anchor.rpartition("-")[2]
        for block in section.blocks if key in SHOWN else ():
            if isinstance(block, Plots):
                yield from ((key, panel) for panel in block.panels)


def draw(storage: str, name: str) -> list[tuple[str, str, Plot]]:
    """The pictures of one study: file name, section and plot of each."""
    report = study_report([study_overview(open_study(open_storage(storage), name))])
    made = []
    for number, (key, plot) in enumerate(plots(report), 1):
        file = f"{name}_{number:02d}_{key}.png"
        (FOLDER / file).write_bytes(png(plot, dpi=110, colors=64))
        made.append((file, key, plot))
    return made


def page(made: dict[str, list[tuple[str, str, Plot]]], commands: list[str]) -> str:
    """Markdown that shows all pictures, each with what there is to be seen."""
    lines = ["# Gallery", "", "Plots of reports on real runs, drawn by `python docs/gallery.py`."]
    lines += ["", "```sh", *commands, "```"]
    for name, pictures in made.items():
        lines += ["", f"## {name}"]
        for file, _, plot in pictures:
            lines += ["", f"**{plot.title}** ({plot.source})", "", f"![{plot.alt}]({file})"]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", help="by default those that are run")
    parser.add_argument("--storage", help="where the studies are; without it they are run")
    parser.add_argument("--command", action="append", help="one that made what is there")
    args = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        storage = args.storage or ran(Path(folder))
        names = args.studies or ["positions_xor", "synth"]
        for old in FOLDER.glob("*.png"):
            old.unlink()
        made = {name: draw(storage, name) for name in names}
    commands = RUNS if args.storage is None else args.command or []
    (FOLDER / "README.md").write_text(page(made, commands), encoding="utf-8")
    print(f"{sum(map(len, made.values()))} pictures in {FOLDER}")


if __name__ == "__main__":
    main()

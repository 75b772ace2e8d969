"""Seconds and bytes of a report on a study of 10 000 trials, beside Optuna's own plots.

    python -m benchmarks.report --out benchmarks/results/report.json

One SQLite file, 10 000 trials of 20 epochs each. `a3b-tune report` writes it as HTML, PDF and
Markdown, each by a process of its own; so does a script that writes what `optuna.visualization`
draws of the same study (history, intermediate values, importances, slices) into one HTML file that
opens without a network. Seconds are from the command to its end, the start of Python included;
memory is the most that the process held.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.dashboard import fill
from benchmarks.stack import about_machine

# In a small process of its own: a child's memory begins with what its parent holds.
MEASURE = """
import resource, subprocess, sys, time
began = time.perf_counter()
subprocess.run(sys.argv[1:], check=True)
seconds = time.perf_counter() - began
print(seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
PEER = """
import sys
import optuna
from optuna import visualization as plots
optuna.logging.set_verbosity(optuna.logging.ERROR)
url, path = sys.argv[1:]
study = optuna.load_study(study_name="synth", storage=url)
drawn = (plots.plot_optimization_history, plots.plot_intermediate_values,
         plots.plot_param_importances, plots.plot_slice)
with open(path, "w") as page:
    for at, plot in enumerate(drawn):
        page.write(plot(study).to_html(full_html=False, include_plotlyjs=at == 0))
"""


@dataclass
class Written:
    """One report: bytes of all its files, and what it took."""

    side: str
    seconds: float
    bytes: int
    memory: int


def write(side: str, url: str, folder: Path) -> Written:
    path = folder / ("report.html" if side == "optuna" else f"report.{side}")
    words = [sys.executable, "-c", PEER, url, str(path)]
    if side != "optuna":
        program = str(Path(sys.executable).with_name("a3b-tune"))
        words = [program, "report", "synth", "--storage", url, "--out", str(path)]
    told = subprocess.run(
        [sys.executable, "-c", MEASURE, *words], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    seconds, kilobytes = map(float, told.splitlines()[-1].split())
    files = [each for each in folder.rglob("*") if each.is_file()]
    return Written(
        side, seconds, sum(each.stat().st_size for each in files), round(kilobytes) * 1024
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sides", nargs="+", default=["html", "pdf", "md", "optuna"])
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    rounds = []
    with tempfile.TemporaryDirectory() as base:
        url = f"sqlite:///{base}/studies.db"
        fill(url, args.trials, args.epochs)
        for at in range(args.rounds):
            for side in args.sides:
                folder = Path(base) / f"{side}-{at}"
                folder.mkdir()
                rounds.append(write(side, url, folder))
    figures = {}
    for side in args.sides:
        mine = [asdict(one) for one in rounds if one.side == side]
        figures[side] = {
            key: round(median(one[key] for one in mine), 3) for key in mine[0] if key != "side"
        }
        print(side.ljust(8), "  ".join(f"{key} {told}" for key, told in figures[side].items()))
    if args.out:
        about = {**about_machine("cpu"), "trials": args.trials, "epochs": args.epochs}
        told = {"about": about, "medians": figures, "rounds": [asdict(one) for one in rounds]}
        args.out.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()

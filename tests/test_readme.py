"""The README is true: its commands run, its study file is good, its tree is the tree."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from a3b_tune.cli.app import run
from a3b_tune.study import load
from tests.finals import checkpoints
from tests.results import building

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHELL = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    line.partition("  #")[0].strip()
    for block in SHELL
    for line in block.splitlines()
    if line.startswith("a3b-tune")
]
# What comes after a search, and how it is cut short.
AFTER = {
    "confirm": ["--top", "2", "--seeds", "2", "--workers", "1"],
    "train": [],
    "predict": [],
    "export-onnx": [],
    "report": [],
    "compare": [],
    "whatif": [],
    "rerun": [],
    "course": ["--only", "2"],
}
SEARCHED = ("synth", "full_attention", "baseline", "imdb")
STUDY = next(re.finditer(r"```toml\n(.*?)```", README, re.DOTALL)).group(1)


def test_there_are_commands_to_try():
    assert len(COMMANDS) >= 5


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A folder in which the searches, the training and the reviews that commands speak of are at
    hand; all of them small ones on xor, under those names."""
    folder = tmp_path_factory.mktemp("searched")
    for name in SEARCHED:
        building.trained(f"sqlite:///{folder}/a3b-tune.db", 2, f"study.name={name}")
    checkpoints.rows(folder / "imdb-trial7-final")
    (folder / "reviews.txt").write_text("a great film\na bad film\n")
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_readme_does_what_it_says(command, tmp_path, monkeypatch, searched):
    """Cut short to two trials of one epoch; IMDb only where its reviews are at hand."""
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command.partition(" > ")[0])[1:]
    if words[0] in AFTER:
        shutil.copytree(searched, tmp_path, dirs_exist_ok=True)
        assert run([*words, *AFTER[words[0]]]) == 0
        return
    if words[0] == "imdb":
        data = ROOT.parent / "shared" / "data"
        if not (data / "imdb.word.pkl.gz").is_file():
            pytest.skip("the IMDb reviews are not at hand")
        words[words.index("--data-dir") + 1] = str(data)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        words += ["--set", "data.rows=500"]
    short = ["--trials", "2", "--workers", "1", "--set", "training.epochs=1"]
    assert run([*words, *short]) == 0


def test_the_study_file_of_the_readme_is_good_and_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    reviews = [f"{'great' if n % 2 else 'terrible'} film number {n % 7}" for n in range(60)]
    rows = [f"{text},{1 + 4 * (n % 2)}" for n, text in enumerate(reviews)]
    (tmp_path / "reviews.csv").write_text("review,stars\n" + "\n".join(rows) + "\n")
    (tmp_path / "mine.toml").write_text(STUDY, encoding="utf-8")
    assert load(tmp_path / "mine.toml").study.trials == 50
    assert run(["study", "check", "mine.toml"]) == 0
    assert run(["run", "mine.toml", "--trials", "2", "--workers", "1"]) == 0
    assert "trials  2 of 2 done" in capsys.readouterr().out


def test_the_model_of_ones_own_is_searched(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = next(block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    blocks = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    section = next(block for block in blocks if "nets" in block)
    (tmp_path / "nets.py").write_text(code, encoding="utf-8")
    data = '[data]\nname = "xor"\nrows = 640\n'
    (tmp_path / "own.toml").write_text(data + section + "[training]\nepochs = 1\n", "utf-8")
    assert run(["run", "own.toml", "--trials", "2", "--workers", "1"]) == 0
    assert "trials  2 of 2 done" in capsys.readouterr().out


def test_every_command_in_the_table_is_there(capsys):
    table = re.findall(r"^\| `a3b-tune ([^`]+)`(.*?)\|", README, re.MULTILINE)
    assert len(table) >= 8
    for first, more in table:
        command = first.split()[0]
        assert run([command, "--help"]) == 0
        for name in re.findall(r"`(\w+)`", more):
            group = [command] if command in ("study", "data", "storage") else []
            assert run([*group, name.split()[0], "--help"]) == 0


def test_the_tree_is_the_tree():
    if not (ROOT / ".git").exists():
        pytest.skip("without git the files of the project are not known")
    told = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "tree.py")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    ).stdout
    assert f"<!-- tree -->\n```\n{told}```\n<!-- /tree -->" in README, (
        "run: python docs/tree.py --write"
    )


def test_every_link_to_a_file_leads_somewhere():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert target.startswith("http") or (page.parent / target).exists(), (page, target)

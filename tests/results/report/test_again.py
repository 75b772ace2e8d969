"""Whether the commands in a report give its study again."""

import shlex

from a3b_tune.cli.app import run
from a3b_tune.results.overview import study_overview
from a3b_tune.results.report.again import again, commands, file_name
from a3b_tune.results.report.blocks import Table
from a3b_tune.results.report.failures import endings
from a3b_tune.results.report.traced import Traced
from a3b_tune.results.trials import rows
from a3b_tune.storage.opening import open_storage
from a3b_tune.study import dumps_toml
from a3b_tune.tuning.studies import open_study
from tests.results import building


def test_the_first_command_runs_the_same_trials_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    dumped = dumps_toml(building.file("training.epochs=1", "data.rows=500", "study.trials=3"))
    (tmp_path / "first.toml").write_text(dumped)
    assert run(["run", "first.toml", "--workers", "1", "--stack", "1"]) == 0
    first = open_study(open_storage(), "small")
    *_, script, file = again(Traced(study_overview(first)))
    (tmp_path / file_name("small")).write_text(file.text)
    command = next(line for line in script.text.splitlines() if line.startswith("a3b-tune run"))
    words = shlex.split(command)
    assert run(words[1:]) == 0
    second = open_study(open_storage(words[-1]), "small")
    assert [(row.params, row.seed, row.value) for row in rows(second.study)] == [
        (row.params, row.seed, row.value) for row in rows(first.study)
    ]


def test_commands_name_the_storage_only_where_they_must(mixed):
    told = Traced(study_overview(mixed))
    assert not any("--storage here" in line for line in commands(told, None))
    for line in commands(told, "here"):
        if not line.startswith(("#", "a3b-tune run", "a3b-tune predict")):
            assert line.endswith(" --storage here")


def test_a_study_without_a_complete_trial_has_no_command_for_its_best(url):
    told = Traced(study_overview(building.told(url, [([], "failed: error: it")])))
    assert [block.rows[0][1] for block in endings(told) if isinstance(block, Table)] == [
        ["error: it"]
    ]
    text = "\n".join(commands(told, None))
    assert "a3b-tune show small" in text
    assert "--trial " not in text

import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import a3b_tune
from a3b_tune.cli.app import app, main, run
from tests.commands import COMMAND, answered, child, refused

ROOT = typer.main.get_command(app)


def paths(command=ROOT, words=()):
    """Every command that does something, as the words that are typed for it."""
    if not hasattr(command, "commands"):
        return [list(words)]
    return [path for name, each in command.commands.items() for path in paths(each, (*words, name))]


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def test_the_commands_are_those_that_the_help_promises(capsys):
    out = answered(capsys, "--help")
    assert [words for words in paths() if words[0] not in out] == []
    assert {" ".join(words) for words in paths()} >= {
        *("xor", "synth", "imdb", "run", "studies", "show", "export", "doctor"),
        *("data fetch", "data show", "study list", "study check", "study show", "study schema"),
    }


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from a3b_tune.cli.app import run; run(['--help']); run(['xor', '--help']);"
        "heavy = {'torch', 'optuna', 'sqlalchemy', 'numpy'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("words", [[], ["data"], ["study"]])
def test_a_command_that_needs_another_prints_its_help_and_nothing_else(capsys, words):
    assert run(words) == 2
    out, err = capsys.readouterr()
    assert (out.rstrip(), err) == (answered(capsys, *words, "--help").rstrip(), "")


@pytest.mark.parametrize("words", paths(), ids=" ".join)
def test_every_command_has_help_with_an_example_that_is_that_command(capsys, words):
    told = " ".join(answered(capsys, *words, "-h").split())
    assert f"a3b-tune {' '.join(words)} " in told.partition("Options")[0].replace("FILE", "")
    assert "Examples:" in told


def examples():
    """Each example of the help that stands between ticks, as it would be typed."""
    texts = [ROOT.help + ROOT.epilog]
    for words in paths():
        command = ROOT
        for word in words:
            command = command.commands[word]
        texts.append(command.help)
    ticked = [part for text in texts for part in text.split("`")[1::2]]
    return [re.split(r" [>|] ", part)[0] for part in ticked if part.startswith("a3b-tune ")]


@pytest.mark.parametrize("line", examples())
def test_every_example_is_a_command_with_options_that_exist(line):
    words = shlex.split(line)[1:]
    command = None
    while command is None or hasattr(command, "commands"):
        name = words.pop(0)
        command = (command or ROOT).commands[name]
    assert command.make_context(name, words).command is command


def test_the_version_is_the_packages(capsys):
    assert answered(capsys, "--version") == f"a3b-tune {a3b_tune.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["synht"], "unknown command 'synht'; did you mean 'synth'? (known: xor, synth, imdb,"),
        (["data", "ftch"], "unknown command 'ftch'; did you mean 'fetch'? (known: fetch, show)"),
        (["xor", "--trails", "3"], "No such option: --trails"),
        (["xor", "--trails", "3"], "--trials"),
        (["xor", "5"], "(5)"),
        (["xor", "--trials"], "'--trials' requires an argument"),
        (["xor", "--json=yes"], "'--json' does not take a value"),
        (["run"], "Missing argument 'FILE'. See a3b-tune run --help"),
        (["data", "show", "xor", "--rows", "few"], "See a3b-tune data show --help"),
    ],
)
def test_a_slip_of_the_finger_is_one_line_and_exit_code_2(capsys, arguments, text):
    assert text in refused(capsys, *arguments)


def test_a_line_never_carries_what_a_terminal_would_obey(capsys):
    assert "\x1b" not in refused(capsys, "syn\x1b[2Jth")
    assert "\x1b" not in refused(capsys, "xor", "--name", "a", "--model", "\x1b]0;x\x07")


def test_main_ends_the_process_with_the_code(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    with pytest.raises(SystemExit) as ended:
        main(["nonsense"])
    assert ended.value.code == 2


def test_ctrl_c_before_a_run_has_begun_says_nothing_more(capsys, monkeypatch):
    def interrupted(*_words):
        raise KeyboardInterrupt

    monkeypatch.setattr("a3b_tune.cli.search.search", interrupted)
    assert run(["xor"]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_reader_that_has_gone_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        done = subprocess.run(
            [COMMAND, "study", "schema"], stdout=gone, stderr=subprocess.PIPE, timeout=60
        )
    assert done.stderr == b""
    assert done.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", [["--help"], ["study", "schema"], ["study", "list"]])
def test_output_to_a_full_disk_is_one_line(words):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([COMMAND, *words], stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.stderr == b"a3b-tune: the output: No space left on device\n"
    assert done.returncode == 2


def test_a_terminal_of_ascii_alone_gets_question_marks():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = child("study", "list", env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()


def offered(typed: str, cwd) -> list[str]:
    """What Tab offers in bash behind what was typed."""
    words = typed.split()
    at = len(words) - (not typed.endswith(" "))
    variables = {"_A3B_TUNE_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(at)}
    done = child(env={**os.environ, **variables}, cwd=cwd)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("a3b-tune st", ["studies", "study", "storage"]),
        ("a3b-tune xor --mo", ["--model"]),
        ("a3b-tune xor --model ba", ["baseline"]),
        ("a3b-tune synth --pool m", ["mean", "max"]),
        ("a3b-tune imdb --sampler g", ["gp", "grid"]),
        ("a3b-tune run pos", ["positions_xor"]),
        ("a3b-tune study check positions", ["positions_xor"]),
        ("a3b-tune data fetch ", ["imdb", "wp", "glove"]),
        ("a3b-tune show ", []),
    ],
)
def test_tab_completes_commands_options_and_names(typed, words, tmp_path):
    assert offered(typed, tmp_path) == words
    assert list(tmp_path.iterdir()) == []


def test_the_completion_of_bash_can_be_had(capsys):
    done = child(env={**os.environ, "_A3B_TUNE_COMPLETE": "source_bash"})
    assert done.returncode == 0
    assert "complete " in done.stdout
    check = subprocess.run(["bash", "-n"], input=done.stdout, text=True, timeout=60)
    assert check.returncode == 0


def test_output_that_cannot_be_written_in_its_encoding_is_replaced(monkeypatch):
    screen = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", screen)
    with pytest.raises(SystemExit) as ended:
        main(["data", "show", "xor", "--rows", "0"])
    assert ended.value.code == 0
    screen.flush()
    assert screen.buffer.getvalue().startswith(b"xor\n")

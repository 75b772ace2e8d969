"""The command `whatif`: a study replayed under other pruners and budgets.

Knows how a person asks; changes nothing.
"""

import json
from math import ceil
from typing import TYPE_CHECKING, Annotated

import typer

from a3b_tune.cli.options import JsonOption, StorageOption, complete_from, seconds, whole_number
from a3b_tune.cli.search_options import PRUNERS
from a3b_tune.cli.studies import SHORT, StudyArgument, only_study, reading

if TYPE_CHECKING:
    from a3b_tune.results.overview import StudyOverview
    from a3b_tune.results.replay import Limit
    from a3b_tune.results.what_if import Replays
    from a3b_tune.study import StudyFile


def whatif(
    study: StudyArgument = None,
    pruner: Annotated[
        list[str] | None,
        typer.Option(
            "--pruner",
            metavar="NAME[:KEY=VALUE,…]",
            help="A pruner to try, as often as you like; by default all of them.",
            autocompletion=complete_from(PRUNERS),
        ),
    ] = None,
    trials: Annotated[
        list[str] | None,
        typer.Option("--trials", "-n", metavar="N", help="With so many trials; may be repeated."),
    ] = None,
    budget: Annotated[
        list[str] | None,
        typer.Option(
            "--budget",
            metavar="TIME",
            help="With so much time of work (45s, 30m, 1h30m); may be repeated.",
        ),
    ] = None,
    storage: StorageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replay a study under other pruners and budgets: the same winner, for how much less?

    Nothing is trained: the curves that are stored are lived again in the order in which trials ran.
    A trial that was pruned has no curve beyond that, so it may be impossible to follow; how many
    that were is told, and costs are a range. A study that ran with `--pruner none` can be replayed
    in full.

    Examples:

    - `a3b-tune whatif synth`
    - `a3b-tune whatif synth --pruner asha --pruner hyperband:reduction_factor=4`
    - `a3b-tune whatif synth --pruner median --trials 20 --trials 40`
    """
    from rich.console import Console

    from a3b_tune.cli.present_whatif import print_replays

    limits = _limits(trials or [], budget or [])
    found = _replayed(study, storage, pruner or list(PRUNERS), limits)
    command = _next_run(found)
    if as_json:
        told = {**found.to_json(), "next": command}
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        print_replays(Console(), found, command)


def _limits(trials: list[str], budgets: list[str]) -> "list[Limit]":
    from a3b_tune.results.replay import Limit

    found = [Limit(trials=whole_number("--trials", text, 1)) for text in trials]
    found += [Limit(seconds=seconds(text, "--budget")) for text in budgets]
    return found or [Limit()]


def _replayed(
    study: str | None, storage: str | None, pruners: list[str], limits: "list[Limit]"
) -> "Replays":
    from rich.console import Console

    from a3b_tune.results.overview import study_overview
    from a3b_tune.results.what_if import asked_for, what_if
    from a3b_tune.tuning.studies import open_study

    with reading(storage) as opened:
        stored = open_study(opened, study or only_study(opened))
        asked = [asked_for(stored.file, words) for words in pruners]
        with Console(stderr=True).status(f"replaying {stored.file.study.name} …"):
            return what_if(study_overview(stored), asked, limits)


def _next_run(found: "Replays") -> str | None:
    """The command for a study like this one with the better pruner."""
    import shlex

    if found.better is None:
        return None
    name, _, options = found.better.pruner.partition(":")
    words = [*_command(found.study), "--pruner", name]
    for option in options.split(",") if options else ():
        words += ["--set", f"study.pruner.{option.strip()}"]
    limit = found.better.limit
    words += ["--trials", str(limit.trials or found.study.asked)]
    if limit.seconds is not None:
        words += ["--budget", f"{ceil(limit.seconds)}{_device(found.study)}-s"]
    words += ["--name", f"{found.study.name}-{name}"]
    return shlex.join(["a3b-tune", *words])


def _device(study: "StudyOverview") -> str:
    """What its trials ran on, as a budget names it."""
    on_gpu = any((row.device or "").startswith("cuda") for row in study.trials)
    return "gpu" if on_gpu else "cpu"


def _command(study: "StudyOverview") -> list[str]:
    """How a study is begun: by its own command, or from its file."""
    from a3b_tune.study import load
    from a3b_tune.study.catalogue import shipped

    for name, path in shipped().items():
        if _bare(load(path)) == _bare(study.file):
            return [name] if name in SHORT else ["run", name]
    return ["run", f"{study.name}.toml"]


def _bare(file: "StudyFile") -> dict[str, dict[str, object]]:
    """What a study file says but for its name and its pruner."""
    told = file.identity()
    study = {key: value for key, value in told["study"].items() if key not in ("name", "pruner")}
    return {**told, "study": study}

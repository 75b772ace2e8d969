"""How to get a study again: its file as TOML, and the commands that run it and go on from it.

Knows no page and no command line but by the words of its commands.
"""

import shlex
from collections.abc import Iterator

from a3b_tune.results.report.blocks import Block, Code, Paragraph
from a3b_tune.results.report.traced import Traced
from a3b_tune.study import dumps_toml


def again(told: Traced, storage: str | None = None) -> Iterator[Block]:
    """The blocks of the section.

    :param storage: where the study is, in words that may be shown, if commands must name it.
    """
    name = file_name(told.name)
    yield Paragraph([_how(told)])
    yield Code("\n".join(commands(told, storage)) + "\n", "Commands", "sh")
    yield Code(dumps_toml(told.overview.file), f"{name}, the whole study file", "toml")


def file_name(name: str) -> str:
    """What a study's file is called."""
    return f"{name.replace('/', '-')}.toml"


def commands(told: Traced, storage: str | None) -> Iterator[str]:
    """One line each, as they are typed."""
    overview = told.overview
    where = f" --storage {shlex.quote(storage)}" if storage else ""
    name, best = shlex.quote(told.name), overview.best
    yield "# again, from the study file below, into a database of its own"
    yield _run(told)
    yield "# what is there"
    yield f"a3b-tune show {name}{where}"
    if best is None:
        return
    yield f"a3b-tune show {name} --trial {best.number}{where}"
    yield "# its best trial once more, from its record"
    yield f"a3b-tune rerun {name} --trial {best.number}{where}"
    if len(overview.ranking) > 1:
        yield "# the best settings on fresh seeds"
        yield f"a3b-tune confirm {name}{where}"
    yield "# the best model for good, scored on the test split"
    yield f"a3b-tune train {name} --trial {best.number} --final{where}"
    folder = shlex.quote(f"{told.name.replace('/', '-')}-trial{best.number}-final")
    if overview.file.is_text:
        yield f"a3b-tune sample {folder}"
        return
    # A class of a person's own is imported only where that is asked for.
    own = " --own-code" if ":" in str(best.settings.get("model.name")) else ""
    yield f'a3b-tune predict {folder}{own} "…"'


def _run(told: Traced) -> str:
    study = told.overview.file.study
    path = shlex.quote(file_name(told.name))
    words = f"a3b-tune run {path} --trials {told.overview.asked} --seed {study.seed}"
    slots = same_way(told)
    ways = "" if slots is None else f" --workers 1 --stack {slots}"
    own = shlex.quote(f"sqlite:///{told.name.replace('/', '-')}-again.db")
    return f"{words}{ways} --storage {own}"


def same_way(told: Traced) -> int | None:
    """How many slots all trials' stacks had, where one worker ran them all; else None."""
    work = told.overview.work
    stacks = {row.stack for row in told.overview.trials if row.stack is not None}
    return stacks.pop() if work is not None and work.workers == 1 and len(stacks) == 1 else None


def _how(told: Traced) -> str:
    if same_way(told) is not None:
        return (
            "One worker ran all trials in stacks of one size: on the same kind of device, with the "
            "same versions, the same commands draw the same settings and seeds."
        )
    return (
        "Which settings were drawn also hung on which trials had ended by then, so another run "
        "draws others. Each trial alone can be had again: its settings and its seed are kept."
    )

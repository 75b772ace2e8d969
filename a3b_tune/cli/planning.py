"""What a training is to be: whose settings, on which seeds, and into which folder; found out before
anything is loaded.

Reads a study and changes nothing.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from a3b_tune.cli.studies import only_study, reading
from a3b_tune.errors import InputError
from a3b_tune.finals.checkpoint import FILES
from a3b_tune.finals.folder import check_target
from a3b_tune.finals.training import Chosen
from a3b_tune.results.trials import TrialRow, ranked, rows
from a3b_tune.tuning.notes import tests_done
from a3b_tune.tuning.studies import StoredStudy, open_study

# What a folder is called by default: a model and the final one of a trial lie beside each other.
FOLDER = "{study}-trial{trial}{final}"


@dataclass(frozen=True)
class Wanted:
    """What was asked for, as it was typed; numbers are read."""

    study: str | None
    trial: int | None
    final: bool
    seeds: int
    seed: int | None
    out: Path | None
    test_path: Path | None
    force: bool
    device: str
    precision: str
    storage: str | None
    data_dir: Path | None
    as_json: bool


@dataclass(frozen=True)
class Plan:
    """What is to be done: a study's trial, its seeds, where its model goes, and the tests that the
    study has seen."""

    stored: StoredStudy
    chosen: Chosen
    seeds: tuple[int, ...]
    out: Path
    tests: tuple[dict[str, Any], ...]

    @property
    def name(self) -> str:
        return self.stored.file.study.name


def planned(wanted: Wanted) -> Plan:
    """The study and its trial, and whether there is room for a folder."""
    with reading(wanted.storage) as opened:
        stored = open_study(opened, wanted.study or only_study(opened))
        found = rows(stored.study)
        tests = tuple(tests_done(stored))
    row = _row(stored, found, wanted.trial)
    chosen = _chosen(stored, row)
    name = stored.file.study.name.replace(os.sep, "-")
    final = "-final" if wanted.final else ""
    out = wanted.out or Path(FOLDER.format(study=name, trial=row.number, final=final))
    check_target(out, FILES, force=wanted.force)
    return Plan(stored, chosen, _seeds(wanted, chosen, found), out, tests)


def _row(stored: StoredStudy, found: list[TrialRow], number: int | None) -> TrialRow:
    where = f"study {stored.file.study.name!r}"
    if number is None:
        best = ranked(found, stored.file.metric)
        if not best:
            raise InputError(f"{where} has no complete trial yet; name one with --trial N")
        return best[0]
    if number >= len(found):
        has = f"has the trials 0 to {len(found) - 1}" if found else "has no trials yet"
        raise InputError(f"--trial {number}: {where} {has}")
    return found[number]


def _chosen(stored: StoredStudy, row: TrialRow) -> Chosen:
    if row.best_epoch is None or row.value is None or row.seed is None:
        why = row.reason or row.state
        study = stored.file.study.name
        raise InputError(f"trial {row.number} of study {study!r} never completed an epoch ({why})")
    return Chosen(row.number, row.settings, row.seed, row.value, row.best_epoch)


def _seeds(wanted: Wanted, chosen: Chosen, found: list[TrialRow]) -> tuple[int, ...]:
    """Seeds that the search did not have, derived from the trial's own; or those asked for."""
    if wanted.seed is not None:
        return tuple(range(wanted.seed, wanted.seed + wanted.seeds))
    taken, seeds, place = {row.seed for row in found}, list[int](), 0
    while len(seeds) < wanted.seeds:
        digest = hashlib.sha256(f"{chosen.seed}:{place}:train".encode()).digest()
        seed = int.from_bytes(digest[:4], "big") >> 1
        if seed not in taken and seed not in seeds:
            seeds.append(seed)
        place += 1
    return tuple(seeds)

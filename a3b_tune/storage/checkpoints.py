"""Checkpoints of running trials, in a table of their own beside Optuna's.

In the database, so that a worker on any machine can go on; gone when the trial has ended. Knows
nothing of what they hold.
"""

from collections.abc import Collection, Sequence

import sqlalchemy
from sqlalchemy.orm import Session

from a3b_tune.storage import rows
from a3b_tune.storage.verbs import Checkpoint

TABLE = sqlalchemy.Table(
    "a3b_checkpoints",
    sqlalchemy.MetaData(),
    sqlalchemy.Column("trial_id", sqlalchemy.Integer, primary_key=True, autoincrement=False),
    sqlalchemy.Column("claim", sqlalchemy.String(512), nullable=False),
    sqlalchemy.Column("step", sqlalchemy.Integer, nullable=False),
    sqlalchemy.Column("data", sqlalchemy.LargeBinary, nullable=False),
)


def make_table(engine: sqlalchemy.Engine) -> None:
    """Makes the table where there is none."""
    create = sqlalchemy.schema.CreateTable(TABLE, if_not_exists=True)
    with engine.begin() as connection:
        connection.execute(create)


def write(session: Session, saved: Sequence[Checkpoint]) -> None:
    """Keeps these, each in place of an earlier one of its trial."""
    found = [
        {"trial_id": c.trial_id, "claim": c.claim, "step": c.step, "data": c.data} for c in saved
    ]
    rows.upsert(session, TABLE, ("trial_id",), found)


def read(session: Session, ids: Collection[int]) -> dict[int, Checkpoint]:
    """Those of these trials, by id."""
    found = session.execute(sqlalchemy.select(TABLE).where(TABLE.c.trial_id.in_(ids)))
    return {row.trial_id: Checkpoint(row.trial_id, row.claim, row.step, row.data) for row in found}


def steps(session: Session, ids: Collection[int]) -> dict[int, int]:
    """After which step they were taken, by trial."""
    query = sqlalchemy.select(TABLE.c.trial_id, TABLE.c.step).where(TABLE.c.trial_id.in_(ids))
    return {row.trial_id: row.step for row in session.execute(query)}


def remove(session: Session, ids: Collection[int]) -> None:
    """Takes those of these trials away."""
    if ids:
        session.execute(sqlalchemy.delete(TABLE).where(TABLE.c.trial_id.in_(ids)))

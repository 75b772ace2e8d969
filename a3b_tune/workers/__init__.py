"""WHERE trials run: processes of this machine, or of a cluster. Knows no model and no tensor."""

# What a worker imports before its first trial; Optuna leaves alembic until it opens a storage.
LIBRARIES = ("a3b_tune.workers.team", "alembic.command")

"""How SQLite is used: by many processes at once, each waiting its turn to write.

Knows no table.
"""

import sqlalchemy
from sqlalchemy.engine.interfaces import DBAPIConnection

# How long a writer waits for another one before it gives up, in seconds.
LOCK_TIMEOUT = 60.0
# The option of a connection whose transaction only reads.
READS = "a3b_reads"


def prepare(engine: sqlalchemy.Engine, writable: bool) -> None:
    """One worker's transaction at a time, each waiting its turn; those who only read never wait.

    Python's driver begins a transaction only at the first write, so two workers may read the same
    waiting trial and both take it; `BEGIN IMMEDIATE` takes the lock before the read.
    """

    def connected(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        if writable:
            cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    def began(connection: sqlalchemy.Connection) -> None:
        reads = not writable or connection.get_execution_options().get(READS)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    sqlalchemy.event.listen(engine, "connect", connected)
    sqlalchemy.event.listen(engine, "begin", began)
    # Connections made during Optuna's start-up know nothing of the above.
    engine.dispose()

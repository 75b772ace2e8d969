"""Where a storage's artifacts lie: files too large, or too seldom read, for a database.

Knows no trial and no file format.
"""

import os
from pathlib import Path

from sqlalchemy.engine import make_url

from a3b_tune.data.places import user_cache


def artifact_folder(url: str) -> Path:
    """The folder of a storage's artifacts: `$A3B_TUNE_ARTIFACTS`, else one beside an SQLite file,
    else one in the user's cache."""
    if asked := os.environ.get("A3B_TUNE_ARTIFACTS"):
        return Path(asked)
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        path = Path(parsed.database)
        return path.with_name(f"{path.name}-artifacts")
    return user_cache() / "a3b-tune" / "artifacts"

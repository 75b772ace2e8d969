"""WHAT came out of a study: reads the storage, writes nothing into it."""

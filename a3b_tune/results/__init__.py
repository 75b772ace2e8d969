"""WHAT came out: a study's trials as rows, importances and files. Reads only; prints nothing."""

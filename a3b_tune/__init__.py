"""a3b-tune: hyperparameter search for small sequence models."""

__version__ = "0.1.0"

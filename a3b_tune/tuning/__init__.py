"""WHO decides: storage, sampler, pruner and loop. Talks to Optuna; prints nothing."""

"""WHO decides: the storage, the sampler, the pruner and the loop. Talks to Optuna; prints nothing."""

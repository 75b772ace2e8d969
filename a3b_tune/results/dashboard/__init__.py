"""The pages that people watch a search on: optuna-dashboard behind a lock, with what it lacks.

In the order in which a request meets them: `serving` (sockets, TLS), `headers`, `guard` (who may
pass), `compressing`, `details` (one study, from memory), `artifacts`, and optuna-dashboard itself.
"""

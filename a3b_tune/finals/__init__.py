"""WHAT IS MADE OF a search: settings confirmed over seeds, a model trained for good, its answers.

Knows nothing of the command line, of other machines or of how a study's trials are searched. Each
module is named by whoever needs it, so that an answer does not wait for what a training needs.
"""

"""Putting somebody's own application in the place of the sample: what `ship init` does."""

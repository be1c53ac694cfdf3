"""GitHub as `ship` uses it. It imports nothing of `ship.environments`, which calls it."""

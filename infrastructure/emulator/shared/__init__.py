"""What `ship` and the serving process both need, each in a Python environment of its own.

So: the standard library only, and relative imports only, for this package is `shared` to one
and `ship.emulator.shared` to the other.
"""

"""Ports of this machine that nobody has."""

import socket
from collections.abc import Iterable
from contextlib import closing


def first_free(candidates: Iterable[int], count: int) -> int:
    """The first of these ports that is free with the next ones, so many in all."""
    return next(port for port in candidates if all(map(is_free, range(port, port + count))))


def is_free(port: int) -> bool:
    """Whether nobody has a port."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

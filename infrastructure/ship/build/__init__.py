"""A build: what one commit makes, byte for byte the same each time."""

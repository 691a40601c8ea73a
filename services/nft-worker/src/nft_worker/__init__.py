"""How a collection moves, and which sales look like wash trading."""

"""Playing recordings again: as messages to a receiver, or out through a socket."""

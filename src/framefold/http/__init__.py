"""Results over HTTP: snapshots in, representations out; nothing here can slow a run down."""

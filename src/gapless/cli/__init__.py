"""TYPE IT. One file per command or command group; a command prints what a view or the engine says."""

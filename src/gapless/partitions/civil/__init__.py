"""Civil time: zones, crons and the grids of instants that they set, and how an instant is written as a key."""

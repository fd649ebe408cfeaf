"""Pure: no I/O, no clock, standard library only."""

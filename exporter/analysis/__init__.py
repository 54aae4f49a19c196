"""Pure functions over numbers: no I/O, no clock, no config, no metric names."""

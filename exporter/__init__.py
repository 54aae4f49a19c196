"""ebbtide watches backup and storage systems and says why nothing is freed and when it is full."""

__version__ = "0.1.0"

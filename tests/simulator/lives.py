"""Estates in tests: they stand still until they are told to live on."""

from exporter.simulator import Clock, Estate
from exporter.simulator.sizes import DAY, HOUR

MIDNIGHT = 1_780_012_800.0
NIGHT = MIDNIGHT + 23 * HOUR


def make(size="small", at=MIDNIGHT, seed=1, **options):
    return Estate(size, Clock(at, rate=0), seed, **options)


def live(estate, days, step=HOUR):
    """One look after each step."""
    for _ in range(int(days * DAY / step)):
        estate.clock.advance(step)
        estate.catch_up()
        yield estate


def levels(estate, days, name, step=HOUR):
    return [estate.used_ratio(name) for _ in live(estate, days, step)]


def pending(estate, name):
    return estate.pool(name).pending_at(estate.time)[1]

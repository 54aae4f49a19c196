"""The estate of the demo: sixty days old, healthy but for one pool whose pruning ended in silence."""

from exporter.simulator.clock import Clock
from exporter.simulator.estate import Estate
from exporter.simulator.names import APEX
from exporter.simulator.sizes import DAY, GIB

AGE = 60 * DAY
STOPPED = 9 * DAY
BRISK_AGING = 300
USED_RATIO = 0.88
STORM = {"bytes_per_hour": 1200.0 * GIB, "seconds": 2700.0}


def demo_estate(clock: Clock, seed: int = 1, *, past: float = 0.0) -> Estate:
    """Pool "Apex GDP" lost its pruning nine days before the clock's time and has about 12 % free; a storm of log
    backups begins and takes it below 10 % within some ten minutes. Data Aging runs every five minutes, and succeeds.

    With `past`, the estate stands that many seconds before the clock's time, and what is still to come is not told.
    """
    probe, usual = 0.5, 0.3
    at_probe, at_usual = (_estate(clock, seed, level, 0.0).used_ratio(APEX) for level in (probe, usual))
    level = usual + (USED_RATIO - at_usual) * (probe - usual) / (at_probe - at_usual)
    estate = _estate(clock, seed, level, past)
    if not past:
        estate.tell("storm", APEX, **STORM)
    return estate


def _estate(clock: Clock, seed: int, level: float, past: float) -> Estate:
    estate = Estate("small", clock, seed, age=AGE, brisk_aging=BRISK_AGING, levels={APEX: level})
    now = clock.now()
    if past < STOPPED:
        estate.tell("pruning_stopped", APEX, at=now - STOPPED)
    estate.advance(now - past)
    return estate

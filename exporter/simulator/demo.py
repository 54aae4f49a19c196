"""The estate of the demo: sixty days old, healthy but for one pool whose pruning ended in silence.

Two more pools show what a forecast must see through: one is pruned once a week, one sat full and was extended.
"""

from exporter.simulator.clock import Clock
from exporter.simulator.estate import Estate
from exporter.simulator.names import APEX
from exporter.simulator.sizes import DAY, GIB

AGE = 60 * DAY
STOPPED = 9 * DAY
BRISK_AGING = 300
USED_RATIO = 0.88
# seconds before the clock's time, story, pool, options; oldest first.
TOLD: tuple[tuple[float, str, str, dict[str, float]], ...] = (
    (55 * DAY, "pruning_weekly", "Exchange", {}),
    (40 * DAY, "kept_for_ever", "SQL", {"bytes_per_hour": 18.0 * GIB}),
    (14 * DAY, "capacity_extended", "SQL", {"factor": 1.6}),
    (STOPPED, "pruning_stopped", APEX, {}),
)
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
    for ago, story, pool, options in TOLD:
        if past < ago:
            estate.tell(story, pool, at=now - ago, **options)
    estate.advance(now - past)
    return estate

"""The key `forecast:` of the configuration."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from exporter.analysis.forecast import Method
from exporter.model import DAY
from exporter.settings import Duration, Settings

HORIZON_S = 365 * DAY
_SHORTEST_INTERVAL_S = 60.0

# What all sources together are called where a source has a name.
ESTATE = "estate"
Grouping = Literal["business_unit", "application", "source", "kind"]
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)


class ForecastSettings(Settings):
    interval: Annotated[Duration, Field(description="how often every pool is forecast anew")] = 900.0
    method: Annotated[Method, Field(description="simulation, ets (a second opinion) or blend (half of each)")] = (
        "simulation"
    )
    lead_time: Annotated[Duration, Field(description="from the order of storage to its use")] = 30 * DAY
    cover: Annotated[Duration, Field(description="how long what is ordered is to last after that")] = 180 * DAY
    target: Annotated[float, Field(gt=0, le=1, description="ratio of its capacity to which a pool may be used")] = 0.85
    group_by: Annotated[tuple[Grouping, ...], Field(description="what pools are summed by and forecast together")] = (
        GROUPINGS
    )
    workers: Annotated[int, Field(ge=1, le=64, description="processes that compute, started when needed")] = 2

    @model_validator(mode="after")
    def _within_reach(self) -> ForecastSettings:
        if self.interval < _SHORTEST_INTERVAL_S:
            raise ValueError("interval is shorter than a minute")
        if self.lead_time + self.cover > HORIZON_S:
            raise ValueError("lead_time and cover together are longer than the year that is forecast")
        return self

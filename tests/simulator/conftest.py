"""A CommServe over a small estate that stands still at night, and a client of it."""

import pytest

from exporter.simulator import Clock, CommServe, Estate
from exporter.simulator.history import YEAR

from .commserve_client import PASSWORD, Client
from .lives import NIGHT


@pytest.fixture
def clock():
    return Clock(NIGHT, rate=0)


@pytest.fixture
def estate(clock):
    return Estate("small", clock)


@pytest.fixture
def make(estate, clock):
    """A CommServe whose tokens outlive any test, unless told otherwise."""
    return lambda **options: CommServe(estate, clock, **{"password": PASSWORD, "token_idle_seconds": YEAR} | options)


@pytest.fixture
def client(make):
    return Client(make())

"""A living CommServe and a Veeam server that speak their vendors' wire format, for the demo and the tests."""

from exporter.simulator.clock import Clock
from exporter.simulator.commserve import CommServe
from exporter.simulator.estate import Estate
from exporter.simulator.faults import Fault, Faults
from exporter.simulator.sizes import SIZES
from exporter.simulator.wire import Server

__all__ = ["SIZES", "Clock", "CommServe", "Estate", "Fault", "Faults", "Server"]

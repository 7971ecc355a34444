"""A stand-in of Azure's control plane on loopback, stateful and faithful enough for the real SDKs.

Not a mock: it is asked over TLS with bearer tokens, pages, throttles, refuses and emits events as Azure does,
and says 501 where it does not imitate Azure instead of guessing.
"""

from local.azure.controlplane import ControlPlane, Options
from local.azure.faults import Fault, Spoil
from local.azure.fleet import Fleet, FleetError, dump_fleet, load_fleet, read_fleet

__all__ = [
    "ControlPlane",
    "Fault",
    "Fleet",
    "FleetError",
    "Options",
    "Spoil",
    "dump_fleet",
    "load_fleet",
    "read_fleet",
]

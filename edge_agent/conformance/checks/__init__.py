"""One pure function of the record for each clause about devices, a module for each topic."""

from edge_agent.conformance.checks import commands, desired, envelope, events, fields, health, lifecycle, status
from edge_agent.conformance.clauses import Clause
from edge_agent.conformance.record import Record

DEVICE_CLAUSES: tuple[Clause[Record], ...] = tuple(
    clause
    for module in (envelope, status, events, health, commands, desired, lifecycle, fields)
    for clause in module.CLAUSES.all
)
"""What a device must do, in the order of the numbers."""

__all__ = ["DEVICE_CLAUSES"]

"""Devices that break the contract in one place each. The conformance kit must catch every one."""

from qa.mutants import commands, fields, lives, sending, wishes
from qa.mutants.registry import MUTANTS

__all__ = ["MUTANTS", "commands", "fields", "lives", "sending", "wishes"]

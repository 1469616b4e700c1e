"""Devices that break the contract in one place each. The conformance kit must catch every one."""

from qa.mutants import commands, desired, fields, lives, sending
from qa.mutants.registry import MUTANTS

__all__ = ["MUTANTS", "commands", "desired", "fields", "lives", "sending"]

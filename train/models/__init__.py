"""The networks: the paper's eight, the edge family, and a tiny one for tests. ``build`` makes any of them by name."""

from train.models.zoo import MODELS, Cost, build, describe_cost, is_mirrored

__all__ = ["MODELS", "Cost", "build", "describe_cost", "is_mirrored"]

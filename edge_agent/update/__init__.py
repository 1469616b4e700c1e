"""A device's side of model updates: which model runs, taking a published one, trying it, watching it, giving it up."""

"""A device's side of model updates: get a published model, validate it, put it in place, watch it, roll it back."""

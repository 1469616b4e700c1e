"""Training: data, models, recipes and evaluation. Never imported by the device."""

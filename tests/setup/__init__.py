"""The first settings file of a device."""

"""Addresses of cameras and brokers: judged before they are used, and shown without what may be a secret."""

"""The whole way: camera to subscriber."""

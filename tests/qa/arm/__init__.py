"""Tests of qa.arm."""

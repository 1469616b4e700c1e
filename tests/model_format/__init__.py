"""Tests of what training and device agree on."""

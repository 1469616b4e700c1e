"""Tests of train.fit."""

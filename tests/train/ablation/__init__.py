"""Tests of train.ablation."""

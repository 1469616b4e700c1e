"""Attacks on the summaries of simulated lessons: can they give away one pupil?"""

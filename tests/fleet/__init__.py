"""Enrolment, against a real broker."""

"""A school's devices as a whole: its certificate authority, enrolment, revocation and what the broker is told of them.

Two sides share this room. The school's side keeps the authority and a register in one folder; the device's side makes a
private key that never leaves it.
"""

"""The school's tools for its devices: certificate authority, enrolment, revocation, the broker's files, models.

The authority and the register of devices lie in one folder. The device's side of enrolment is in
:mod:`edge_agent.enrol`.
"""

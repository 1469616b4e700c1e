"""The device's side of enrolment in a school's fleet."""

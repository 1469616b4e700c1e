"""What people are told and what the officer gets: signs for the door, and a draft of the impact assessment.

Both are made from the device's settings and declaration, and from answers that only the school knows.
"""

from edge_agent.notice.writing import Written, default_folder, notice_state, write_notice

__all__ = ["Written", "default_folder", "notice_state", "write_notice"]

"""The figures of a lesson's report, for the teacher alone: no score, no ranking, no single child."""

from dashboard.report.figures import Comparison, Part, Report, report_of
from dashboard.report.questions import Question, questions_for

__all__ = ["Comparison", "Part", "Question", "Report", "questions_for", "report_of"]

"""The page of a school: live view, history, lesson reports and devices in a browser."""

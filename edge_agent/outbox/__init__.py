"""Where events wait until the broker has acknowledged them, and stay for a while after."""

"""What is known of a school at this moment: pure state, made of the client's notices and the time."""

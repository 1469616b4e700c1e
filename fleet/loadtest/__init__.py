"""Load tests: how many devices a broker can serve. Simulated devices use the real publisher against a real broker."""

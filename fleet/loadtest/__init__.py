"""How many devices a broker holds: many simulated devices, each with the real publisher, against a real Mosquitto."""

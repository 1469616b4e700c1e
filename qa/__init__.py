"""Programs that check the agent for minutes or hours. They need a checkout with the development tools.

- ``python -m qa.faults``: rounds of faults, each checked for lost, changed and reordered events. Needs Mosquitto.
- ``python -m qa.soak``: a school day in simulated time; memory must not grow. Needs Mosquitto.
- ``python -m qa.writes``: what the outbox writes to its disk.
- ``python -m qa.arm``: the agent on an emulated 64-bit ARM processor. Needs Debian and, the first time, a network.
- ``python -m qa.arm.instructions``: how many instructions a frame takes there. Needs a C compiler and YuNet's weights.
- ``python -m qa.memory``: what the running agent holds in memory. Needs Mosquitto and YuNet's weights.
"""

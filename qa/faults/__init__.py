"""The agent under faults: real processes, a real broker, and a checker that compares both ends.

A round (``rounds``) starts a device, a broker and two subscribers on a test rig (``rig``), injects a fault (``faults``,
``disks``, ``cameras``), and compares what the device accepted (``accepted_log``) with what arrived (``subscribers``,
``checker``). A series (``series``) is many rounds; ``table`` sums them up.
"""

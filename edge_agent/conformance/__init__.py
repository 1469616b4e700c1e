"""The conformance kit: judges devices and subscriber programs by the messaging contract, over MQTT alone.

How the parts fit together, from the top:

- ``run``: judges a device: ``observer`` records what is seen on MQTT while ``operator`` goes through its steps.
- ``client_run``: judges a subscriber program, to which ``played_device`` plays a device.
- ``record``: what was seen and sent, with the helpers that checks use.
- ``clauses``: the numbered list of what the contract demands. ``checks`` has one pure function of a record for each.
- ``report``: verdicts as a table, as JSON and as the list in docs/conformance.md.
"""

"""The lake: deliveries through the gate, models into tables, checks over the whole.

Here: everything that writes to DuckLake. Not here: bytes as sent and identities (`vault`).
"""

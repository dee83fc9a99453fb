"""The synthetic region: deliveries of an invented population in the sources' real formats.

Here: drawing people, contacts and choices from seeded streams, planting dirt, writing files and
the manifest of what was planted. Not here: reading deliveries; nothing outside this package
imports it but the commands and the tests.
"""

"""How deliveries are read: a file as sent becomes a SQL relation of text columns.

Here: one module per file format. Not here: casts and rules (`lake.gate`), which see only text.
"""

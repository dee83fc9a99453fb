"""Comments in clients' own words: their topics, tone and what they say of integration.

Here: learning from labelled texts, keeping what was read as codes. Not here: any text outside the
vault's zone; only codes of each record reach the lake.
"""

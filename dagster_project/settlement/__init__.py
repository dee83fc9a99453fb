"""Settlement: what providers are paid for their lists, from frozen inputs, for good.

Here: freezing, working out, writing, recomputing and explaining. Not here: the rules in plain
Python (`rules.capitation`), factors (`sql/mart`), policy numbers (`rulebooks`).
"""

"""Great Expectations over the lake: suites from the contracts, their verdicts, a page to read.

Here: everything that knows Great Expectations. Not here: the gate, which judges rows on their way
in (`lake.gate`); the same rules come out the same in both, which a test holds.
"""

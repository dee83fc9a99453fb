"""Measurements: ratios against plain DuckDB on the same files, in the same run.

Here: what is measured and how. Not here: figures, which `README.md` beside this file keeps.
"""

"""What readers get: releases of Parquet files and the analysts' database.

Here: one module per kind of reader, and the swap. Not here: what a figure means (`sql/mart`).
"""

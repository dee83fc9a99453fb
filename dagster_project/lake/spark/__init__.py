"""Spark beside the lake: models' queries in its words, its runs over the lake's files.

Here: all that knows Spark. Not here: which model runs on it (`lake.placement`).
"""

"""What is told of data quality: the report of the lake, and a letter to each supplier.

Here: words and pages in Finnish and English, of counts and record numbers. Not here: judging
(`lake`, `expectations`, `sql/mart`); no page holds a value that was sent.
"""

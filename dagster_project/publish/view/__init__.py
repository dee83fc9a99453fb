"""The organiser's view and its public sister: each one self-contained page of a release's figures.

Here: what they show (`views.yaml`), in which words (`texts.yaml`), and how they are put together.
Not here: what a figure means (`sql/mart`), or may be shown to whom (the shelves).
"""

"""Strangers' files looked at before anything lands: what contract they would keep, and whether.

Nothing here writes to vault, lake or landing, and nothing of a person leaves it.
"""

"""The identified zone: the only code that sees a person.

Here: deliveries as sent, identity codes, protection orders, keys. Not here: anything pseudonymised
(`lake`), which learns persons from this package by number alone.
"""

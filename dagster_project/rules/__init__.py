"""Rules of money in plain Python: each states what its SQL model must come to, to the cent.

Here: pure functions over values. Not here: tables, files, time, or what runs in production;
property tests hold the models to these.
"""

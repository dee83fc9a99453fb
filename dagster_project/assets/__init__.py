"""Dagster's view of the pipeline: assets, checks, jobs, sensor, schedules, the lake.

Here: decorators over calls to `pipeline` and `lake`, made in loops from contracts and models.
Not here: any rule, query or file format; `definitions` puts the parts together.
"""

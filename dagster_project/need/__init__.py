"""The local need model: what a resident's capitated services are expected to cost, given history.

Here: fitting it and keeping its coefficients as rows. Not here: expected cost, which is SQL over
those rows (`sql/core/expected_cost.sql`), or the national model (`sql/mart/need_by_county.sql`).
"""

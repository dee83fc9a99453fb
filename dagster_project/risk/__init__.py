"""Risk: who is heading for heavier services within a year, how well that is foreseen, and why.

Here: splits by time, training, evaluation, scores, model card; what is kept is rows of `risk.*`.
Not here: features and outcomes, which are SQL (`sql/core/risk_*.sql`), or measures of a prediction
(`rules.risk_metrics`).
"""

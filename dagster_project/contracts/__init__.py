"""Data contracts: what sources promise to deliver, as one catalogue that all else derives from."""

"""Tietoallas: a regional data lake, and the engines that pay, guide and foresee on top of it."""

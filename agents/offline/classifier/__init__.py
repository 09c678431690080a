"""Judges the type, urgency and tone of a thought with small linear heads over its embedding."""

"""Checks how results change when a note changes in a known way. It needs no labels beyond the names of people."""

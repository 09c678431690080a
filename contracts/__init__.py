"""Defines what crosses a process boundary, one file for each boundary. A leaf: it imports no other package of ours."""

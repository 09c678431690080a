"""Defines what the processes share: the wires between them, one file each, and the settings, logs and database access.

It imports no other package of ours."""

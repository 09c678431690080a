"""Describes a stack: its directory, ports, kinds of processes, and the processes of one `up`."""

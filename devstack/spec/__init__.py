"""What a stack is: its directory, ports, kinds of processes, and the processes of one `up`."""

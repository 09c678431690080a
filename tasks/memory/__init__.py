"""What a worker remembers: similar earlier thoughts for the agents that read them, and the results of an equal one."""

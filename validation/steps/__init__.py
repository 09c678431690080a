"""The ten steps, one file each. A step returns what it saw, or raises StepFailedError."""

"""What crosses a wire, one file a wire. A leaf: it imports nothing else of this project."""

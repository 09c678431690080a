"""The administrators' pages: figures and dead letters without any text, and the logged reveal of one text."""

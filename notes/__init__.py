"""The labelled notes: data files, one for each voice, and the code that reads them. Imports nothing of the project."""

"""The pages: routes, and what the templates are given."""

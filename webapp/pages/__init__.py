"""The pages: their routes, and the view models of the templates."""

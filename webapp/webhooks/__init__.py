"""Webhooks of an account: their page, and what it shares with the JSON calls (`webapp.api.webhooks`)."""

"""Webhooks of an account: JSON calls and a page to create, list, test, enable and delete them."""

"""Accounts: their passwords, sign-ins and security log, below the pages and the JSON API that use them."""

"""The provider that needs no model and no network: plain rules with their evidence, and abstention elsewhere."""

"""The JSON API: its calls, what they take, and the OpenAPI document that describes them (docs/api.md)."""

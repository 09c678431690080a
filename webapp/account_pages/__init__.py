"""The pages of an account: sign up, sign in, sign out, and what a person can change. They work without JavaScript."""

"""Signing in: who is here, by a pass-phrase or by an identity provider; nobody is asked where neither is set."""

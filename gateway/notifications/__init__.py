"""What operators are told without asking: quotas that run out, accounts and keys in trouble.

`observer` looks, `decisions` says what is worth a message (pure), `wording` and `payloads` write it
(pure), `delivery` posts it, and `sender` runs all of that in one process of several.
"""

"""Who may see and do what: users, keys of programs, share links and tokens for one item."""

"""The commands of `tallylog`, in groups; see base.py. Each group lists its own in COMMANDS."""

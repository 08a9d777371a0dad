"""From RAW tables to committed events, daily statistics and answers."""

"""Bytes of access logs in, RAW Arrow tables out. Imports nothing else of ours."""

"""A second opinion: the statistics of a log in plain Python, slow and obvious.

Nothing here is imported from the product, so that a mistake has to be made twice to go unseen.
What it shares with the product is data: the rules in ``pipeline/enrich/rules`` and the third
parties' lists of agents, crawlers and countries.
"""

"""What the lint reads: contracts, rules, scrape configs, dashboards, documents, programs, with the place of everything.

Promise: each file is read once and never changed; what cannot be read is a finding, not a traceback.
"""

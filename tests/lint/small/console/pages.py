"""The pages of a console as the lint finds them in its sources: by how they are written down."""

PAGES = """
    Endpoint("/", ...)
    Endpoint("/watch", ...)
    Route("/runs/{run_id}", ...)
"""

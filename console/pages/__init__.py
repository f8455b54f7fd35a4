"""The pages: HTML made here, whole without JavaScript, kept up to date with it.

`pages` lists them with what each shows, `ribbon` is the status on top of every page, `render` turns templates into
answers; `templates/` and `static/` are what they are made of. Every text of a file is escaped; nothing on a page acts.
"""

__all__: list[str] = []

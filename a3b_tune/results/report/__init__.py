"""A report: what it is made of (`blocks`), what is said in it, and how it becomes a page.

What is said knows no page, and the pages know no study: they meet in the blocks.
"""

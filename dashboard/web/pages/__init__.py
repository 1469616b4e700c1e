"""One module a page: what it shows, and where it is."""

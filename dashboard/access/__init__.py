"""Who may see and do what on the page: accounts, sessions, forms, and the log of who looked and acted."""

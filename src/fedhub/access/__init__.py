"""Who may log in, as whom, as admin: personas and the institutions they belong to."""

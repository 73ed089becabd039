"""One thin module per command; what they do lives in the packages beside this one."""

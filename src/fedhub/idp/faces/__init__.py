"""The faces: one module per real server, with its addresses and manners."""

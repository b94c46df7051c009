"""The bytes of a .dvq file: header, table, sections. No networks, no torch."""

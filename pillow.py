"""Register the Pillow plug-in on import.

    import dvcodec.pillow

Afterwards Image.open reads .dvq files and Image.save writes them, in every library that uses Pillow. It is what
`dvcodec.register()` does, for programs that name their plug-ins by modules.
"""

from .codec.pillow_plugin import register

register()

"""The decoder in JavaScript, and pages that show .dvq files with it: static files that need no server."""

"""Image files, metadata and what else comes in and goes out, whatever codes it."""

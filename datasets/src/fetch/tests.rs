//! Fetching from a local server: whole, cut, wrong, refused and continued.

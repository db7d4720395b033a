//! The one HTTP client: http and https by rustls, HTTP/1.1 and h2, pooled.

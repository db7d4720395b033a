//! The FHIR server behind a route: its address, and the path of its base.

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

/// `http://10.0.0.21:8080/fhir`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    scheme: Scheme,
    authority: Authority,
    base: String,
    h2: bool,
}

impl Upstream {
    /// Reads an address: http or https, a host, perhaps a path; no user, query or fragment. `h2`: HTTP/2 without
    /// asking.
    pub fn parse(text: &str, h2: bool) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let scheme = uri.scheme().filter(|scheme| ["http", "https"].contains(&scheme.as_str()))?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        let base = uri.path().trim_end_matches('/');
        let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
        let odd = base.split('/').skip(1).any(|part| matches!(part, "" | "." | ".."));
        if uri.query().is_some() || text.contains('#') || !base.chars().all(plain) || odd {
            return None;
        }
        let (scheme, authority, base) = (scheme.clone(), authority.clone(), base.to_owned());
        Some(Self { scheme, authority, base, h2 })
    }

    /// The path of the FHIR base without a slash at its end; empty for the root.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Host and port.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Whether it is spoken to by TLS.
    pub fn https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// Whether it is spoken to in HTTP/2.
    pub fn h2(&self) -> bool {
        self.h2
    }

    /// The address of the FHIR base.
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority, self.base)
    }

    /// The address there of what a client asked for here; `None` for what is no path (`*`).
    pub(super) fn at(&self, asked: &Uri) -> Option<Uri> {
        let path = asked.path_and_query().filter(|path| path.as_str().starts_with('/'))?;
        self.absolute(path.clone())
    }

    /// The address of something below the base: `Practitioner/9`, `ServiceRequest?identifier=1`.
    pub(super) fn below(&self, relative: &str) -> Option<Uri> {
        self.absolute(format!("{}/{relative}", self.base).parse().ok()?)
    }

    fn absolute(&self, path: PathAndQuery) -> Option<Uri> {
        let builder = Uri::builder().scheme(self.scheme.clone());
        builder.authority(self.authority.clone()).path_and_query(path).build().ok()
    }
}

impl std::fmt::Display for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.url())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_scheme_host_and_base() {
        let upstream = Upstream::parse("http://10.0.0.21:8080/fhir/", false).unwrap();
        assert_eq!(upstream.url(), "http://10.0.0.21:8080/fhir");
        assert_eq!(upstream.base(), "/fhir");
        let asked: Uri = "/fhir/Patient/1?x=%20".parse().unwrap();
        let there = upstream.at(&asked).unwrap().to_string();
        assert_eq!(there, "http://10.0.0.21:8080/fhir/Patient/1?x=%20");
        let person = upstream.below("Practitioner/9").unwrap().to_string();
        assert_eq!(person, "http://10.0.0.21:8080/fhir/Practitioner/9");
        assert_eq!(Upstream::parse("https://fhir.local", false).unwrap().base(), "");
    }

    #[test]
    fn an_address_with_more_or_less_than_that_is_none() {
        for text in [
            "",
            "10.0.0.21:8080",
            "ftp://host/fhir",
            "http://user@host/fhir",
            "http://host/fhir?x=1",
            "http://host/fhir#x",
            "http://host//fhir",
            "http://host/a/../fhir",
            "http://host/%66hir",
            "/fhir",
        ] {
            assert_eq!(Upstream::parse(text, false), None, "{text}");
        }
    }
}

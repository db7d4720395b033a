//! Content types as clients write them, codings whole and damaged.

use std::borrow::Cow;
use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;

use crate::fhir::media::{CodingFault, Form, XmlRoot, decode, form, xml_root};

const LIMIT: usize = 64 * 1024;

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn brotli(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    brotli::CompressorWriter::new(&mut out, 4096, 4, 18).write_all(body).unwrap();
    out
}

#[test]
fn json_is_read_as_json_by_whatever_name() {
    for content_type in [
        "application/fhir+json",
        "application/json",
        "application/json+fhir",
        "text/json",
        "Application/FHIR+JSON",
        "application/fhir+json; charset=utf-8",
        "application/fhir+json;charset=UTF-8; fhirVersion=4.0",
        "application/fhir+json ; charset=\"utf-8\"",
        " application/json;charset=UTF8;",
        "",
        "  ",
    ] {
        assert_eq!(form(Some(content_type)), Form::Json, "{content_type}");
    }
    assert_eq!(form(None), Form::Json);
}

#[test]
fn patches_and_xml_are_told_apart() {
    assert_eq!(form(Some("application/json-patch+json")), Form::JsonPatch);
    assert_eq!(form(Some("Application/JSON-Patch+json; charset=utf-8")), Form::JsonPatch);
    for xml in [
        "application/fhir+xml",
        "application/xml",
        "text/xml",
        "application/xml+fhir",
        "application/soap+xml; charset=utf-8",
    ] {
        assert_eq!(form(Some(xml)), Form::Xml, "{xml}");
    }
}

#[test]
fn what_another_server_could_read_otherwise_is_none_of_these() {
    for content_type in [
        "application/fhir+json; charset=utf-16",
        "application/fhir+json; charset=gbk",
        "application/fhir+json; charset=utf-8; charset=utf-16",
        "application/fhir+json; charset",
        "application/fhir+json; charset=\"utf-8",
        "application/fhir+json; charset=\"utf\\-8\"",
        "application/fhir+json; charset=utf-8, application/xml",
        "application/fhir+json, application/fhir+xml",
        "application/json;a=\"x,y\"",
        "application/fhir+xml; charset=iso-8859-1",
        "application/merge-patch+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/fhir+ndjson",
        "application/fhir+turtle",
        "json",
        "*/*",
    ] {
        assert_eq!(form(Some(content_type)), Form::Other, "{content_type}");
    }
}

#[test]
fn a_body_without_a_coding_is_handed_back() {
    for header in [None, Some(""), Some("identity"), Some(" Identity , ")] {
        let decoded = decode(header, b"{}", LIMIT).unwrap();
        assert!(matches!(decoded, Cow::Borrowed(b"{}")), "{header:?}");
    }
}

#[test]
fn codings_are_undone_in_the_order_in_which_they_were_applied() {
    let body = "手术".repeat(500).into_bytes();
    for (header, coded) in [
        ("gzip", gzip(&body)),
        ("x-gzip", gzip(&body)),
        ("GZIP", gzip(&body)),
        ("deflate", zlib(&body)),
        ("br", brotli(&body)),
        ("gzip, br", brotli(&gzip(&body))),
        ("br ,identity,deflate", zlib(&brotli(&body))),
        ("gzip, gzip", gzip(&gzip(&body))),
    ] {
        assert_eq!(decode(Some(header), &coded, LIMIT).as_deref(), Ok(&body[..]), "{header}");
    }
}

#[test]
fn a_coding_that_is_not_known_is_said_so() {
    for header in ["compress", "zstd", "gzip;q=1", "gzip gzip", "gzip, zstd", "gzip,gzip,gzip,gzip"]
    {
        assert_eq!(decode(Some(header), b"x", LIMIT), Err(CodingFault::Unknown), "{header}");
    }
}

#[test]
fn what_is_damaged_cut_or_has_something_behind_it_is_refused() {
    let body = b"{\"resourceType\":\"ServiceRequest\"}".repeat(20);
    let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
    raw.write_all(&body).unwrap();
    let raw = raw.finish().unwrap();
    assert_eq!(decode(Some("deflate"), &raw, LIMIT), Err(CodingFault::Broken));
    for (header, coded) in [("gzip", gzip(&body)), ("deflate", zlib(&body)), ("br", brotli(&body))]
    {
        for cut in 0..coded.len() {
            let decoded = decode(Some(header), &coded[..cut], LIMIT);
            assert_eq!(decoded, Err(CodingFault::Broken), "{header} {cut}");
        }
        for more in [&b"\0"[..], b"{}", b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"] {
            let longer = [&coded[..], more].concat();
            assert_eq!(decode(Some(header), &longer, LIMIT), Err(CodingFault::Broken), "{header}");
        }
        assert_eq!(decode(Some(header), &body, LIMIT), Err(CodingFault::Broken), "{header}");
    }
    let mut wrong_sum = gzip(&body);
    let at = wrong_sum.len() - 5;
    wrong_sum[at] ^= 1;
    assert_eq!(decode(Some("gzip"), &wrong_sum, LIMIT), Err(CodingFault::Broken));
}

#[test]
fn several_members_of_gzip_are_one_body_if_each_is_whole() {
    let (one, two) = (gzip(b"{\"a\":"), gzip(b"1}"));
    let both = [&one[..], &two[..]].concat();
    assert_eq!(decode(Some("gzip"), &both, LIMIT).as_deref(), Ok(&b"{\"a\":1}"[..]));
    let cut = &both[..both.len() - 1];
    assert_eq!(decode(Some("gzip"), cut, LIMIT), Err(CodingFault::Broken));
    let empty = [gzip(b""), gzip(b""), gzip(b"{}"), gzip(b"")].concat();
    assert_eq!(decode(Some("gzip"), &empty, LIMIT).as_deref(), Ok(&b"{}"[..]));
    assert_eq!(decode(Some("gzip"), &gzip(b""), LIMIT).as_deref(), Ok(&b""[..]));
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let zeros = vec![b' '; 4 * 1024 * 1024];
    for (header, bomb) in [
        ("gzip", gzip(&zeros)),
        ("gzip", [gzip(&zeros[..LIMIT]), gzip(b" ")].concat()),
        ("deflate", zlib(&zeros)),
        ("br", brotli(&zeros)),
        ("gzip, gzip", gzip(&gzip(&zeros))),
    ] {
        assert_eq!(decode(Some(header), &bomb, LIMIT), Err(CodingFault::TooLong), "{header}");
    }
    let whole = gzip(&zeros[..LIMIT]);
    assert_eq!(decode(Some("gzip"), &whole, LIMIT).map(|body| body.len()), Ok(LIMIT));
    assert_eq!(decode(None, &zeros, LIMIT), Err(CodingFault::TooLong));
}

#[test]
fn the_root_of_an_xml_body_is_found_behind_declarations_and_comments() {
    for order in [
        "<ServiceRequest xmlns=\"http://hl7.org/fhir\">",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- x --><Bundle>",
        "\u{feff}<?xml version='1.0'?><f:Procedure/>",
        " <!--><ServiceRequest>--><Appointment\n>",
        "<servicerequest/>",
    ] {
        assert_eq!(xml_root(order.as_bytes()), XmlRoot::Order, "{order}");
    }
    for other in ["<Patient>", "<?xml version=\"1.0\"?><a:Binary x='ServiceRequest'/>"] {
        assert_eq!(xml_root(other.as_bytes()), XmlRoot::Other, "{other}");
    }
    for unclear in [
        "",
        "{}",
        "<",
        "<Patient",
        "<!DOCTYPE x><Patient/>",
        "<?xml version='1.0' encoding='utf-16'?><Patient/>",
        "<?xml version='1.0'",
        "<手术/>",
        "\u{0}<\u{0}P",
    ] {
        assert_eq!(xml_root(unclear.as_bytes()), XmlRoot::Unclear, "{unclear}");
    }
}

proptest! {
    #[test]
    fn what_was_coded_comes_back(body in prop::collection::vec(any::<u8>(), 0..2000)) {
        for (header, coded) in
            [("gzip", gzip(&body)), ("deflate", zlib(&body)), ("br", brotli(&body))]
        {
            let decoded = decode(Some(header), &coded, LIMIT);
            prop_assert_eq!(decoded.as_deref(), Ok(&body[..]));
        }
    }

    #[test]
    fn decoding_is_total_and_bounded(
        body in prop::collection::vec(any::<u8>(), 0..300),
        header in prop::sample::select(vec!["gzip", "deflate", "br", "gzip,br"]),
        start in any::<bool>(),
    ) {
        let body = if start { [&b"\x1f\x8b\x08\0\0\0\0\0\0\x03"[..], &body].concat() } else { body };
        if let Ok(decoded) = decode(Some(header), &body, 100) {
            prop_assert!(decoded.len() <= 100);
        }
        let _ = xml_root(&body);
    }
}

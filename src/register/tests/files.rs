//! The forms of files: character sets, CSV dialects, workbooks.

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

use crate::register::import::{import, table};
use crate::register::tests::{Hospital, SURGEONS, faults};

async fn bytes(hospital: &Hospital, table: &str, bytes: &[u8]) -> Vec<String> {
    let request = hospital.request(&[(table, bytes)]);
    match import(&hospital.source, &request).await {
        Ok(_) => Vec::new(),
        failed => faults(failed),
    }
}

#[tokio::test]
async fn utf8_with_or_without_mark_and_gb18030_say_the_same() {
    let hospital = Hospital::new().await;
    let mut texts = Vec::new();
    let marked = [b"\xef\xbb\xbf", SURGEONS.as_bytes()].concat();
    let gb18030 = encoding_rs::GB18030.encode(SURGEONS).0.into_owned();
    let windows = SURGEONS.replace('\n', "\r\n").into_bytes();
    for form in [SURGEONS.as_bytes(), &marked, &gb18030, &windows] {
        assert_eq!(bytes(&hospital, "surgeons", form).await, Vec::<String>::new());
        texts.push(hospital.csv("surgeons").await);
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
}

#[tokio::test]
async fn what_cannot_be_decoded_is_refused_line_by_line() {
    let hospital = Hospital::new().await;
    let neither = b"surgeon_id,name\nD1,\xd5\xc5\xc8\xfd\nD2,\xff\xff\nD3,\xc0\xee\xcb\xc4\n";
    let found = bytes(&hospital, "surgeons", neither).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("surgeons.csv:3 -: the line is neither"), "{found:?}");
    // One broken letter does not turn a UTF-8 file into GB18030.
    let broken = "surgeon_id,name\nD1,张三\nD2,李四\nD3,".as_bytes();
    let broken = [broken, b"\xe7\x8e\n".as_slice()].concat();
    let found = bytes(&hospital, "surgeons", &broken).await;
    assert!(found[0].starts_with("surgeons.csv:4 -: the line is not UTF-8"), "{found:?}");
    let utf16 = b"\xff\xfes\0u\0";
    assert!(bytes(&hospital, "surgeons", utf16).await[0].contains("UTF-16"));
    let xls = [0xd0, 0xcf, 0x11, 0xe0, 0xa1];
    assert!(bytes(&hospital, "surgeons", &xls).await[0].contains(".xlsx"));
    assert!(bytes(&hospital, "surgeons", b"PK\x03\x04junk").await[0].contains("workbook"));
}

#[tokio::test]
async fn columns_stand_in_any_order_and_blank_rows_are_passed_over() {
    let hospital = Hospital::new().await;
    let text = "name,department,surgeon_id,,\n\n张三,,D1,,\n,,,,\n\"李,四\",外科,D2,,\n,,D3,,\n";
    let found = bytes(&hospital, "surgeons", text.as_bytes()).await;
    assert_eq!(found, ["surgeons.csv:6 name: is required and must not be empty"]);
}

#[tokio::test]
async fn a_workbook_is_read_and_a_numeric_code_is_refused_with_its_reason() {
    let hospital = Hospital::filled().await;
    let mut book = Workbook::new();
    book.add_worksheet().set_name("说明").unwrap();
    let sheet = book.add_worksheet().set_name("grants").unwrap();
    for (column, name) in
        ["surgeon_id", "code", "grade", "valid_from", "document_no"].iter().enumerate()
    {
        sheet.write(0, u16::try_from(column).unwrap(), *name).unwrap();
    }
    let day = Format::new().set_num_format("yyyy-mm-dd");
    let date = ExcelDateTime::from_ymd(2026, 3, 2).unwrap();
    sheet.write(1, 0, "D1").unwrap().write(1, 1, 51.2300).unwrap();
    sheet.write(2, 0, 123).unwrap().write(2, 1, "51.2300").unwrap();
    sheet.write(4, 0, "D1").unwrap().write(4, 2, 2).unwrap();
    sheet.write_with_format(4, 3, &date, &day).unwrap().write(4, 4, 2026001).unwrap();
    sheet.write(5, 0, "D1").unwrap().write(5, 2, 2.5).unwrap().write(5, 3, 46083).unwrap();
    sheet.write(6, 0, "D1").unwrap().write_with_format(6, 1, &date, &day).unwrap();
    sheet.write(7, 0, "D1").unwrap().write(7, 1, "LC").unwrap().write(7, 4, true).unwrap();
    let bad = bytes(&hospital, "grants", &book.save_to_buffer().unwrap()).await;
    let starts: Vec<&str> = bad.iter().map(|f| f.split(": ").next().unwrap()).collect();
    let expected = [
        "grants.csv:2 code",
        "grants.csv:3 surgeon_id",
        "grants.csv:6 grade",
        "grants.csv:6 valid_from",
        "grants.csv:7 code",
        "grants.csv:8 document_no",
    ];
    assert_eq!(starts, expected, "{bad:#?}");
    assert!(bad[0].contains("51.2300 becomes 51.23"), "{bad:#?}");
}

#[tokio::test]
async fn dates_and_grades_of_a_workbook_are_accepted() {
    let hospital = Hospital::filled().await;
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, name) in ["surgeon_id", "grade", "valid_from", "document_no"].iter().enumerate() {
        sheet.write(0, u16::try_from(column).unwrap(), *name).unwrap();
    }
    let day = Format::new().set_num_format("yyyy\"年\"m\"月\"d\"日\"");
    let date = ExcelDateTime::from_ymd(2026, 3, 2).unwrap();
    sheet.write(1, 0, "D1").unwrap().write(1, 1, 2).unwrap();
    sheet.write_with_format(1, 2, &date, &day).unwrap().write(1, 3, 2026001).unwrap();
    sheet.write(1_000_000, 16_000, " ").unwrap();
    let path = hospital.file("grants.xlsx", &book.save_to_buffer().unwrap());
    let mut request = hospital.request(&[]);
    request.files = vec![(table("grants").unwrap(), path)];
    let stray = faults(import(&hospital.source, &request).await);
    assert_eq!(stray.len(), 1, "a stray cell costs no memory and is told: {stray:?}");
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, name) in ["surgeon_id", "grade", "valid_from", "document_no"].iter().enumerate() {
        sheet.write(0, u16::try_from(column).unwrap(), *name).unwrap();
    }
    sheet.write(1, 0, "D1").unwrap().write(1, 1, 2).unwrap();
    sheet.write_with_format(1, 2, &date, &day).unwrap().write(1, 3, 2026001).unwrap();
    assert_eq!(bytes(&hospital, "grants", &book.save_to_buffer().unwrap()).await.len(), 0);
    let text = hospital.csv("grants").await;
    assert_eq!(text.lines().nth(1), Some("D1,,2,perform,,2026-03-02,,active,2026001,,,,none"));
}

mod strangers {
    use proptest::prelude::*;

    use crate::register::import::policy::InstitutionLevel;
    use crate::register::import::reading::Statement;
    use crate::register::import::table;
    use crate::register::tests::policy;

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let policy = policy(InstitutionLevel::Tertiary);
            let workbook = [b"PK\x03\x04".as_slice(), &bytes].concat();
            for bytes in [&bytes, &workbook] {
                let _ = Statement::read(table("grants").unwrap(), "f", bytes, &policy);
            }
        }

        #[test]
        fn what_is_read_once_reads_the_same_again(cells in proptest::collection::vec("[^\u{0}-\u{1f}\u{7f}-\u{9f}]{1,12}", 1..6)) {
            let policy = policy(InstitutionLevel::Tertiary);
            let mut file = csv::Writer::from_writer(Vec::new());
            file.write_record(["surgeon_id", "name", "department"]).unwrap();
            for cell in &cells {
                file.write_record([cell, cell, cell]).unwrap();
            }
            let bytes = file.into_inner().unwrap();
            let read = |bytes: &[u8]| {
                let read = Statement::read(table("surgeons").unwrap(), "f", bytes, &policy);
                read.rows.into_values().map(|line| line.record).collect::<Vec<_>>()
            };
            let once = read(&bytes);
            let mut file = csv::Writer::from_writer(Vec::new());
            file.write_record(table("surgeons").unwrap().columns.iter().map(|c| c.name)).unwrap();
            for record in &once {
                file.write_record(record.split('\u{1f}')).unwrap();
            }
            prop_assert_eq!(read(&file.into_inner().unwrap()), once);
        }
    }
}

//! The reader over anything: total, and deaf to what the file does not read.

use proptest::prelude::*;

use crate::domain::order::{Order, Primary};
use crate::mapping::hl7v2::tests::route::{Route, message};

fn soup() -> impl Strategy<Value = Vec<u8>> {
    let name = prop::sample::select(vec![
        "ORC", "OBR", "PR1", "ROL", "PRT", "RGS", "AIS", "AIP", "SCH", "ARQ", "PID", "ADD", "TQ1",
        "OBX", "ZOP", "MSA", "pr1", "ZZZ",
    ]);
    let piece = prop::sample::select(vec![
        "|", "^", "~", "&", "\\", "D", "1", "51.2300", "NW", "CA", "SURGEON", "\n", "\u{0}",
        "20260302", "SUR", "#", "玘",
    ]);
    let segment = (name, prop::collection::vec(piece, 0..30))
        .prop_map(|(name, pieces)| format!("{name}|{}", pieces.concat()));
    let kind = prop::sample::select(vec!["ORM^O01", "SIU^S14", "SRM^S01", "ADT^A01", "XYZ"]);
    (kind, prop::collection::vec(segment, 0..12)).prop_map(|(kind, segments)| {
        let text = format!("MSH|^~\\&|A||B||2026||{kind}|1|P|2.5\r{}", segments.join("\r"));
        encoding_rs::GBK.encode(&text).0.into_owned()
    })
}

/// Where things stood moves with the segments; what they say does not.
fn without_places(mut order: Order) -> Order {
    for line in order.groups.iter_mut().flat_map(|group| &mut group.lines) {
        line.place = None;
        line.coded.iter_mut().for_each(|coded| coded.place = None);
        line.team.iter_mut().for_each(|person| person.place = None);
        if let Primary::Named(persons) = &mut line.primary {
            persons.iter_mut().for_each(|person| person.place = None);
        }
    }
    order
}

proptest! {
    #[test]
    fn any_segments_are_read_to_an_end(payload in soup(), all in any::<bool>()) {
        for file in ["standard.toml", "zop.toml", "srm-aims.toml"] {
            let mut route = Route::new(file);
            route.all_surgical = all;
            route.compare_bytes = true;
            let _ = route.read(&payload);
        }
    }

    #[test]
    fn any_bytes_behind_a_header_are_read_to_an_end(tail in prop::collection::vec(any::<u8>(), 0..400)) {
        let payload = [b"MSH|^~\\&|A||B||2026||ORM^O01|1|P|2.5\rPR1|".as_slice(), &tail].concat();
        let _ = Route::new("standard.toml").read(&payload);
    }

    #[test]
    fn segments_that_are_not_read_and_their_order_change_nothing(
        shuffled in Just(vec![
            "AIS|1||51.2300|20260302080000", "AIP|1||D1|1", "AIP|2||D2|2", "AIL|1||OR5",
            "AIG|1||x", "NTE|1||text", "ZZZ|PR1", "NTE|2",
        ]).prop_shuffle(),
        common in Just(vec!["PID|1||P1", "PV1|1|I|GS", "DG1|1||K80", "ZAA|1", "OBX|1|TX|MDT||M1"])
            .prop_shuffle(),
    ) {
        let route = Route::new("standard.toml");
        let plain = message("SIU^S12", "SCH|1 PID|1||P1 PV1|1|I|GS DG1|1||K80 OBX|1|TX|MDT||M1 RGS|1 \
            AIS|1||51.2300|20260302080000 AIP|1||D1|1 AIP|2||D2|2");
        let segments = format!("SCH|1 {} RGS|1 {}", common.join(" "), shuffled.join(" "));
        let read = |payload: &[u8]| without_places(route.order(payload));
        prop_assert_eq!(read(&message("SIU^S12", &segments)), read(&plain));
    }
}

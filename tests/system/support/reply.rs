//! An answer taken apart by its own delimiters, with a reader of the tests' own.

/// One answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) payload: Vec<u8>,
    field: u8,
    component: u8,
    subcomponent: u8,
    segments: Vec<Vec<Vec<u8>>>,
}

impl Reply {
    /// Fails the test unless every segment ends with CR and the first is MSH or BHS.
    pub(crate) fn read(payload: &[u8]) -> Self {
        let shown = String::from_utf8_lossy(payload);
        assert!(payload.starts_with(b"MSH") || payload.starts_with(b"BHS"), "{shown}");
        assert_eq!(payload.last(), Some(&b'\r'), "no CR at the end: {shown}");
        let (field, component) = (payload[3], payload[4]);
        let lines = payload.split(|byte| *byte == b'\r').filter(|line| !line.is_empty());
        let segments: Vec<Vec<Vec<u8>>> = lines
            .map(|line| line.split(|byte| *byte == field).map(<[u8]>::to_vec).collect())
            .collect();
        Self { payload: payload.to_vec(), field, component, subcomponent: payload[7], segments }
    }

    /// All segments of a name.
    pub(crate) fn named(&self, name: &str) -> Vec<&Vec<Vec<u8>>> {
        self.segments.iter().filter(|segment| segment[0] == name.as_bytes()).collect()
    }

    /// A field of the nth segment of a name (n from 0; MSH counted as HL7 does).
    pub(crate) fn nth(&self, name: &str, n: usize, field: usize) -> String {
        let found = self.named(name);
        let segment = found.get(n).unwrap_or_else(|| {
            panic!("no {name} {n} in {}", String::from_utf8_lossy(&self.payload))
        });
        let at = if name == "MSH" || name == "BHS" { field - 1 } else { field };
        segment.get(at).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
    }

    /// A field of the first segment of a name.
    pub(crate) fn field(&self, name: &str, field: usize) -> String {
        self.nth(name, 0, field)
    }

    /// A field of the first segment of a name, as bytes.
    pub(crate) fn raw(&self, name: &str, field: usize) -> Vec<u8> {
        let found = self.named(name);
        let segment = found.first().unwrap_or_else(|| panic!("no {name}"));
        let at = if name == "MSH" || name == "BHS" { field - 1 } else { field };
        segment.get(at).cloned().unwrap_or_default()
    }

    /// The components of a field.
    pub(crate) fn components(&self, name: &str, n: usize, field: usize) -> Vec<String> {
        let text = self.nth(name, n, field);
        text.split(char::from(self.component)).map(str::to_owned).collect()
    }

    /// The sub-components of a component.
    pub(crate) fn subcomponents(&self, component: &str) -> Vec<String> {
        component.split(char::from(self.subcomponent)).map(str::to_owned).collect()
    }

    /// The names of the segments, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |segment: &Vec<Vec<u8>>| String::from_utf8_lossy(&segment[0]).into_owned();
        self.segments.iter().map(name).collect()
    }

    /// MSA-1.
    pub(crate) fn code(&self) -> String {
        self.field("MSA", 1)
    }

    /// MSH-1.
    pub(crate) fn separator(&self) -> u8 {
        self.field
    }
}

/// MSA-1 of an answer.
pub(crate) fn code(payload: &[u8]) -> String {
    Reply::read(payload).code()
}

//! Messages of invented people, as text to be altered, and their frames.

/// A payload in a frame.
pub(crate) fn framed(payload: &[u8]) -> Vec<u8> {
    [&[0x0b], payload, &[0x1c, b'\r']].concat()
}

/// Text in GBK.
pub(crate) fn gbk(text: &str) -> Vec<u8> {
    let (bytes, _, lossy) = encoding_rs::GB18030.encode(text);
    assert!(!lossy, "{text}");
    bytes.into_owned()
}

/// A surgical message in the making. It names no operating time, so it is judged as of now.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) version: &'static str,
    pub(crate) charset: &'static str,
    /// MSH-15.
    pub(crate) accept: &'static str,
    /// MSH-16.
    pub(crate) application: &'static str,
    /// ORC-1.
    pub(crate) control: &'static str,
    /// ORC-7.6.
    pub(crate) urgency: &'static str,
    pub(crate) surgeon: &'static str,
    pub(crate) code: &'static str,
    pub(crate) department: &'static str,
    pub(crate) patient: &'static str,
    /// Appended as they are, each with its CR.
    pub(crate) more: Vec<String>,
}

impl Draft {
    /// D1002 沈若川 holds a grant for 51.2300.
    pub(crate) fn clean(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            kind: "OMG^O19^OMG_O19",
            version: "2.5.1",
            charset: "UNICODE UTF-8",
            accept: "",
            application: "",
            control: "NW",
            urgency: "R",
            surgeon: "D1002^沈若川",
            code: "51.2300^腹腔镜下胆囊切除术^CHS2.0",
            department: "0301",
            patient: "P2699001^^^XYYY||赵样例",
            more: Vec::new(),
        }
    }

    /// D1005 秦可欣 was never granted 52.7x00: grant-missing.
    pub(crate) fn refused(id: impl Into<String>) -> Self {
        Self {
            surgeon: "D1005^秦可欣",
            code: "52.7x00^根治性胰十二指肠切除术^CHS2.0",
            ..Self::clean(id)
        }
    }

    /// The same as an emergency: an override.
    pub(crate) fn emergency(id: impl Into<String>) -> Self {
        Self { urgency: "S", ..Self::refused(id) }
    }

    pub(crate) fn line(mut self, line: &str) -> Self {
        self.more.push(line.to_owned());
        self
    }

    /// The order number: that of the message.
    pub(crate) fn text(&self) -> String {
        let Self { id, kind, version, charset, accept, application, .. } = self;
        let Self { control, urgency, surgeon, code, department, patient, .. } = self;
        let mut text = format!(
            "MSH|^~\\&|HIS|WARD|ORIS|THEATRE|20260302080000||{kind}|{id}|P|{version}|||{accept}|{application}|CHN|{charset}\r\
             PID|1||{patient}\r\
             PV1|1|I|{department}^03^12^MAIN\r\
             ORC|{control}|SQ{id}^HIS|F{id}||||^^^^^{urgency}\r\
             PR1|1||{code}||||||||{surgeon}\r"
        );
        for line in &self.more {
            text.push_str(line);
            text.push('\r');
        }
        text
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.text().into_bytes()
    }

    pub(crate) fn frame(&self) -> Vec<u8> {
        framed(&self.bytes())
    }
}

/// An admission without an operation: none of the gate's business.
pub(crate) fn admission(id: &str) -> Vec<u8> {
    format!(
        "MSH|^~\\&|HIS|WARD|ORIS|THEATRE|20260302080000||ADT^A01^ADT_A01|{id}|P|2.5.1\r\
         EVN|A01\rPID|1||P2699002^^^XYYY||QIAN^YANGLI\rPV1|1|I|0301^01^02\r"
    )
    .into_bytes()
}

/// MSH-10 of a message with the usual delimiters, or with those it declares.
pub(crate) fn control_id(payload: &[u8]) -> Vec<u8> {
    let Some(start) = payload.windows(3).position(|name| name == b"MSH") else { return Vec::new() };
    let message = &payload[start..];
    let Some(separator) = message.get(3) else { return Vec::new() };
    let header = message.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    header.split(|byte| byte == separator).nth(9).unwrap_or_default().to_vec()
}

/// A reply as a downstream system writes it; its blanks and odd trailing fields must survive.
pub(crate) fn acknowledgement(code: &str, id: &[u8]) -> Vec<u8> {
    let head = b"MSH|^~\\&|ORIS|THEATRE|HIS|WARD|20260302080001||ACK|R1|P|2.4|||| |\rMSA|";
    let payload = [head, code.as_bytes(), b"|", id, "|成功 \r".as_bytes()].concat();
    framed(&payload)
}

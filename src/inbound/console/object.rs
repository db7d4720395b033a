//! JSON objects where objects are meant: serde takes a list for a struct too, by the order of its members.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// For `#[serde(deserialize_with)]` of a member that is an object.
pub fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_map(Object(PhantomData)).map(|Is(value)| value)
}

/// The same for one that may be absent (with `#[serde(default)]`) or null.
pub fn maybe<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    Option::<Is<T>>::deserialize(from).map(|some| some.map(|Is(value)| value))
}

/// The same for a list of objects.
pub fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Vec::<Is<T>>::deserialize(from).map(|all| all.into_iter().map(|Is(value)| value).collect())
}

/// The same for a list that may be absent or null.
pub fn maybe_list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<Vec<T>>, D::Error> {
    let all = Option::<Vec<Is<T>>>::deserialize(from)?;
    Ok(all.map(|all| all.into_iter().map(|Is(value)| value).collect()))
}

/// A whole body that is one object.
///
/// # Errors
/// What serde_json says; it may hold content, so it is not for logs.
pub fn from_slice<'b, T: Deserialize<'b>>(body: &'b [u8]) -> serde_json::Result<T> {
    serde_json::from_slice::<Is<T>>(body).map(|Is(value)| value)
}

/// The same of a text.
///
/// # Errors
/// Likewise.
pub fn from_str<'b, T: Deserialize<'b>>(body: &'b str) -> serde_json::Result<T> {
    serde_json::from_str::<Is<T>>(body).map(|Is(value)| value)
}

struct Is<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Is<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Object(PhantomData))
    }
}

struct Object<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
    type Value = Is<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Is<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Is)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Is<T>, A::Error> {
        Err(serde::de::Error::custom("a list where an object is meant"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct One {
        #[serde(default, deserialize_with = "maybe")]
        inner: Option<Inner>,
        #[serde(default, deserialize_with = "list")]
        many: Vec<Inner>,
    }

    #[derive(serde::Deserialize)]
    struct Inner {
        n: u8,
    }

    #[test]
    fn a_list_is_no_object_at_any_depth() {
        let good: One = from_str(r#"{"inner":{"n":1},"many":[{"n":2}]}"#).unwrap();
        assert_eq!((good.inner.unwrap().n, good.many[0].n), (1, 2));
        assert!(from_str::<One>(r#"{"inner":null}"#).unwrap().inner.is_none());
        for bad in [r#"[null,[]]"#, r#"{"inner":[1]}"#, r#"{"many":[[2]]}"#, r#"{"many":{"n":1}}"#]
        {
            assert!(from_str::<One>(bad).is_err(), "{bad}");
            assert!(from_slice::<One>(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}

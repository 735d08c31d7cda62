//! Sizes of objects in events.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A size, if it can be read as one. It is only recorded, so an odd one is no reason to refuse the event.
#[derive(Default)]
pub(super) struct Size(pub(super) Option<u64>);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lenient;
        impl<'de> Visitor<'de> for Lenient {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size")
            }
            fn visit_u64<E>(self, size: u64) -> Result<Size, E> {
                Ok(Size(Some(size)))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Size, E> {
                Ok(Size(None))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Size, E> {
                Ok(Size(None))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Size, E> {
                Ok(Size(None))
            }
            fn visit_str<E>(self, size: &str) -> Result<Size, E> {
                Ok(Size(size.parse().ok()))
            }
            fn visit_unit<E>(self) -> Result<Size, E> {
                Ok(Size(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Size, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Size(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Size, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Size(None))
            }
        }
        deserializer.deserialize_any(Lenient)
    }
}

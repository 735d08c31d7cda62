//! The event as bytes, and the deserializer that hands them over.

use std::cell::RefCell;
use std::fmt;

use bytes::Bytes;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer};
use serde_json::Error;
use serde_json::de::SliceRead;
use serde_json::value::RawValue;

/// By this name the payload type makes itself known to the deserializer of this crate.
const TOKEN: &str = "$fc_adapter::RawEvent";

thread_local! {
    /// The body on its way from [`EventDeserializer`] to [`RawVisitor`], within one call.
    static HANDOVER: RefCell<Option<Bytes>> = const { RefCell::new(None) };
}

/// A payload type for a handler that wants the event as it came.
///
/// On Function Compute these are the exact bytes of the request body, which need not be JSON, and nothing is
/// parsed or copied. Under `lambda_runtime` itself, and as a field of another type, it is the text of the
/// JSON value, without the white space around it.
///
/// ```
/// use fc_adapter::RawEvent;
/// use lambda_runtime::{Error, LambdaEvent};
///
/// async fn length(event: LambdaEvent<RawEvent>) -> Result<usize, Error> {
///     Ok(event.payload.0.len())
/// }
/// ```
///
/// `Debug` shows the length only.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct RawEvent(pub Bytes);

impl fmt::Debug for RawEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawEvent({} bytes)", self.0.len())
    }
}

impl From<RawEvent> for Bytes {
    fn from(event: RawEvent) -> Self {
        event.0
    }
}

impl AsRef<[u8]> for RawEvent {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for RawEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(TOKEN, RawVisitor).map(Self)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
        let handed_over = HANDOVER.take().filter(|body| std::ptr::eq(&raw const **body, bytes));
        Ok(handed_over.unwrap_or_else(|| Bytes::copy_from_slice(bytes)))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, json: D) -> Result<Bytes, D::Error> {
        let text: Box<str> = Box::<RawValue>::deserialize(json)?.into();
        Ok(Bytes::from(String::from(text)))
    }
}

/// Parses a whole body as one value of type `T`; a [`RawEvent`] takes it unparsed.
pub(crate) fn from_body<T>(body: &Bytes) -> Result<T, Error>
where
    T: for<'de> Deserialize<'de>,
{
    let mut json = serde_json::Deserializer::from_slice(body);
    let mut taken = ReadAs::AsJson;
    let value = T::deserialize(EventDeserializer { json: &mut json, body, taken: &mut taken })?;
    match taken {
        ReadAs::AsJson => json.end()?,
        ReadAs::AsBytes => {}
    }
    Ok(value)
}

enum ReadAs {
    AsJson,
    AsBytes,
}

/// `serde_json`, except that at the top level a [`RawEvent`] is given the body itself.
struct EventDeserializer<'a, 'de> {
    json: &'a mut serde_json::Deserializer<SliceRead<'de>>,
    body: &'a Bytes,
    taken: &'a mut ReadAs,
}

macro_rules! forward {
    ($($method:ident($($argument:ident: $kind:ty),*))*) => {
        $(fn $method<V: Visitor<'de>>(self, $($argument: $kind,)* visitor: V) -> Result<V::Value, Error> {
            self.json.$method($($argument,)* visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for EventDeserializer<'_, 'de> {
    type Error = Error;

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name != TOKEN {
            return self.json.deserialize_newtype_struct(name, visitor);
        }
        *self.taken = ReadAs::AsBytes;
        HANDOVER.set(Some(self.body.clone()));
        let value = visitor.visit_bytes(self.body);
        HANDOVER.set(None);
        value
    }

    forward! {
        deserialize_any() deserialize_bool()
        deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64() deserialize_char() deserialize_str() deserialize_string()
        deserialize_bytes() deserialize_byte_buf() deserialize_option() deserialize_unit()
        deserialize_unit_struct(name: &'static str)
        deserialize_seq() deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize) deserialize_map()
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
        deserialize_identifier() deserialize_ignored_any()
    }
}

#[cfg(test)]
mod tests;

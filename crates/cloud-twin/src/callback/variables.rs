//! Variables in the body of a callback.

use std::collections::BTreeMap;

use serde_json::Value;

use super::BodyType;
use crate::image::Image;
use crate::wire::{Slash, encode};

/// What is known of an upload.
#[derive(Clone, Debug)]
pub(crate) struct Variables<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) object: &'a str,
    pub(crate) etag: &'a str,
    pub(crate) size: u64,
    pub(crate) mime_type: &'a str,
    pub(crate) image: Option<Image>,
    pub(crate) crc64: String,
    /// Empty after an upload in parts.
    pub(crate) content_md5: String,
    pub(crate) request_id: &'a str,
    pub(crate) operation: &'a str,
    pub(crate) custom: &'a BTreeMap<String, String>,
}

impl Variables<'_> {
    /// `template` with every `${name}` replaced: URL-encoded in a form, as a JSON value in JSON.
    ///
    /// What has no value is nothing in a form. JSON needs something in its place: `""` where text was to be
    /// expected, `null` for a number.
    pub(crate) fn fill(&self, template: &str, body_type: BodyType) -> String {
        let mut body = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, tail)) = after.split_once('}') else { break };
            body.push_str(before);
            let value = self.value(name);
            match (body_type, value) {
                (BodyType::Form, Value::String(text)) => body.push_str(&encode(&text, Slash::Encode)),
                (BodyType::Form, Value::Null) => {}
                (_, value) => body.push_str(&value.to_string()),
            }
            rest = tail;
        }
        body + rest
    }

    /// Sizes are numbers, all else is text: `crc64` too, as in its header, because it exceeds what JSON
    /// readers hold exactly.
    fn value(&self, name: &str) -> Value {
        match name {
            "bucket" => self.bucket.into(),
            "object" => self.object.into(),
            "etag" => self.etag.into(),
            "size" => self.size.into(),
            "mimeType" => self.mime_type.into(),
            "imageInfo.height" => self.image.map(|image| image.height).into(),
            "imageInfo.width" => self.image.map(|image| image.width).into(),
            "imageInfo.format" => self.image.map(|image| image.format.name()).unwrap_or_default().into(),
            "crc64" => self.crc64.as_str().into(),
            "contentMd5" => self.content_md5.as_str().into(),
            "clientIp" => "127.0.0.1".into(),
            "reqId" => self.request_id.into(),
            "operation" => self.operation.into(),
            // No upload comes through a VPC here, so that `vpcId` is as empty as an unknown name.
            custom => self.custom.get(custom).map(String::as_str).unwrap_or_default().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Format;

    fn fill(template: &str, body_type: BodyType, image: Option<Image>) -> String {
        let custom = BTreeMap::from([("x:who".to_owned(), "a&\"b\"".to_owned())]);
        let variables = Variables {
            bucket: "b",
            object: "目录/a b.jpg",
            etag: "AB",
            size: 5,
            mime_type: "image/jpeg",
            image,
            crc64: "18446744073709551615".to_owned(),
            content_md5: "q1==".to_owned(),
            request_id: "R",
            operation: "PutObject",
            custom: &custom,
        };
        variables.fill(template, body_type)
    }

    #[test]
    fn a_form_holds_encoded_values() {
        let template = "bucket=${bucket}&object=${object}&etag=${etag}&size=${size}&mimeType=${mimeType}\
                        &h=${imageInfo.height}&w=${imageInfo.width}&f=${imageInfo.format}&crc64=${crc64}\
                        &md5=${contentMd5}&vpc=${vpcId}&ip=${clientIp}&id=${reqId}&op=${operation}&who=${x:who}\
                        &none=${x:none}";
        assert_eq!(
            fill(template, BodyType::Form, None),
            "bucket=b&object=%E7%9B%AE%E5%BD%95%2Fa%20b.jpg&etag=AB&size=5&mimeType=image%2Fjpeg&h=&w=&f=\
             &crc64=18446744073709551615&md5=q1%3D%3D&vpc=&ip=127.0.0.1&id=R&op=PutObject&who=a%26%22b%22&none="
        );
    }

    #[test]
    fn json_holds_json_values() {
        let image = Image { format: Format::Png, width: 3, height: 4 };
        let template = r#"{"o":${object},"s":${size},"h":${imageInfo.height},"f":${imageInfo.format},"c":${crc64},"w":${x:who},"n":${x:none}}"#;
        assert_eq!(
            fill(template, BodyType::Json, Some(image)),
            r#"{"o":"目录/a b.jpg","s":5,"h":4,"f":"png","c":"18446744073709551615","w":"a&\"b\"","n":""}"#
        );
        assert_eq!(fill("${imageInfo.height}${imageInfo.format}", BodyType::Json, None), "null\"\"");
    }

    #[test]
    fn what_is_no_variable_stays() {
        assert_eq!(fill("$ {size} $size ${size", BodyType::Form, None), "$ {size} $size ${size");
    }
}

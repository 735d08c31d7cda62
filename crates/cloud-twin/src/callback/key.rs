//! The key pair of the twin, and signatures made with it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, header};
use md5::{Digest, Md5};
use num_bigint::BigUint;

use crate::reply::insert_text;
use crate::wire::{Plus, decode};

/// Host that verifiers trust for public keys.
pub(crate) const KEY_HOST: &str = "gosspublic.alicdn.com";

/// Where the public key is said to be.
pub(crate) const KEY_URL: &str = "http://gosspublic.alicdn.com/callback_pub_key_twin.pem";

/// Of 512 bits, as that of OSS.
pub(crate) const PUBLIC_KEY_PEM: &str = "-----BEGIN PUBLIC KEY-----\n\
    MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBANWEI/4C72emtsO9s4GWfwTmviko4x8y\n\
    C4lU08bErgY/GyDMU3ghzf/H4tlqWUY+9Zx8QG5kLElnjEO+kAR/Hy0CAwEAAQ==\n\
    -----END PUBLIC KEY-----\n";

const MODULUS: [u64; 8] = [
    0xd584_23fe_02ef_67a6,
    0xb6c3_bdb3_8196_7f04,
    0xe6be_2928_e31f_320b,
    0x8954_d3c6_c4ae_063f,
    0x1b20_cc53_7821_cdff,
    0xc7e2_d96a_5946_3ef5,
    0x9c7c_406e_642c_4967,
    0x8c43_be90_047f_1f2d,
];

/// Made for this crate and published with it: it proves nothing.
const PRIVATE_EXPONENT: [u64; 8] = [
    0x2567_8dca_9d07_05b8,
    0x7e02_1284_94ea_217c,
    0x6153_e4f0_05c1_dc49,
    0x8b18_7235_3b15_6580,
    0x6cac_65b9_d3ef_8cbb,
    0x810d_7863_95d8_48b1,
    0x7a2d_2a15_6c7b_57e3,
    0xba57_17cd_d7b3_1fc1,
];

const KEY_BYTES: usize = 64;

/// ASN.1 of an MD5 digest in PKCS#1 v1.5, up to the digest itself.
const DIGEST_INFO: [u8; 18] = [
    0x30, 0x20, 0x30, 0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05, 0x05, 0x00, 0x04,
    0x10,
];

fn number(words: &[u64; 8]) -> BigUint {
    BigUint::from_bytes_be(words.map(u64::to_be_bytes).as_flattened())
}

/// `RSASSA-PKCS1-v1_5` with MD5.
fn rsa_md5(text: &[u8]) -> [u8; KEY_BYTES] {
    let mut message = [0xff; KEY_BYTES];
    message[..2].copy_from_slice(&[0, 1]);
    let tail = [&[0][..], &DIGEST_INFO, &Md5::digest(text)].concat();
    message[KEY_BYTES - tail.len()..].copy_from_slice(&tail);
    let signed = BigUint::from_bytes_be(&message).modpow(&number(&PRIVATE_EXPONENT), &number(&MODULUS));
    let bytes = signed.to_bytes_be();
    let mut signature = [0; KEY_BYTES];
    signature[KEY_BYTES - bytes.len()..].copy_from_slice(&bytes);
    signature
}

/// The headers that authenticate a callback, and the constant ones.
pub(crate) fn sign(path_and_query: &str, body: &[u8]) -> HeaderMap {
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path_and_query, None),
    };
    let mut text = decode(path, Plus::Literal).unwrap_or_else(|_| path.to_owned());
    if let Some(query) = query {
        text.extend(["?", query]);
    }
    let text = [text.as_bytes(), b"\n", body].concat();
    let mut headers = HeaderMap::new();
    insert_text(&mut headers, header::AUTHORIZATION, &STANDARD.encode(rsa_md5(&text)));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("aliyun-oss-callback"));
    headers.insert("x-oss-signature-version", HeaderValue::from_static("1.0"));
    headers.insert("x-oss-tag", HeaderValue::from_static("CALLBACK"));
    for (name, value) in
        [("x-oss-pub-key-url", STANDARD.encode(KEY_URL)), ("content-md5", STANDARD.encode(Md5::digest(body)))]
    {
        insert_text(&mut headers, http::HeaderName::from_static(name), &value);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC_EXPONENT: u32 = 65_537;

    #[test]
    fn the_published_key_is_the_one_that_undoes_a_signature() {
        let pem: String = PUBLIC_KEY_PEM.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(pem).unwrap();
        let modulus = BigUint::from_bytes_be(&der[der.len() - 5 - KEY_BYTES..der.len() - 5]);
        let signature = rsa_md5(b"/callback?a=%2F\nbody");
        let message = BigUint::from_bytes_be(&signature).modpow(&PUBLIC_EXPONENT.into(), &modulus);
        let digest = Md5::digest(b"/callback?a=%2F\nbody");
        assert_eq!(message.to_bytes_be()[KEY_BYTES - 1 - 16..], digest[..]);
    }

    #[test]
    fn the_path_is_signed_decoded_and_the_query_as_it_is() {
        let authorization = |target: &str| sign(target, b"body")[header::AUTHORIZATION].clone();
        assert_eq!(authorization("/a%20b/c?d=%20"), authorization("/a b/c?d=%20"));
        assert_ne!(authorization("/a b/c?d=%20"), authorization("/a b/c?d= "));
        assert_ne!(authorization("/a?"), authorization("/a"));
        let expected = STANDARD.encode(rsa_md5(b"/a b?c=%20\nbody"));
        assert_eq!(authorization("/a%20b?c=%20"), expected);
    }
}

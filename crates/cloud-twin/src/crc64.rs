//! CRC-64/XZ, the checksum of OSS (`x-oss-hash-crc64ecma`) and OBS (`x-obs-checksum-crc64ecma`).

const POLYNOMIAL: u64 = 0xC96C_5795_D787_0F42;

/// `TABLES[n][b]` advances byte `b` past `n` further bytes, so that eight are done in one step.
static TABLES: [[u64; 256]; 8] = tables();

const fn tables() -> [[u64; 256]; 8] {
    let mut tables = [[0_u64; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut byte = 0;
        while byte < 256 {
            let crc = tables[table - 1][byte];
            tables[table][byte] = (crc >> 8) ^ tables[0][(crc & 0xff) as usize];
            byte += 1;
        }
        table += 1;
    }
    tables
}

/// A checksum under construction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crc64(u64);

impl Default for Crc64 {
    fn default() -> Self {
        Self(u64::MAX)
    }
}

impl Crc64 {
    pub(crate) fn update(&mut self, data: &[u8]) {
        let (chunks, rest) = data.as_chunks::<8>();
        let mut crc = self.0;
        for chunk in chunks {
            let mixed = (crc ^ u64::from_le_bytes(*chunk)).to_le_bytes();
            let advanced = |byte: usize| TABLES[7 - byte][usize::from(mixed[byte])];
            crc = advanced(0)
                ^ advanced(1)
                ^ advanced(2)
                ^ advanced(3)
                ^ advanced(4)
                ^ advanced(5)
                ^ advanced(6)
                ^ advanced(7);
        }
        for &byte in rest {
            let low = crc.to_le_bytes()[0];
            crc = (crc >> 8) ^ TABLES[0][usize::from(low ^ byte)];
        }
        self.0 = crc;
    }

    /// As [`Crc64::update`] with `count` zeros, in logarithmic time.
    pub(crate) fn zeros(&mut self, count: u64) {
        self.0 = multiply(shift(count), self.0);
    }

    pub(crate) fn value(self) -> u64 {
        !self.0
    }
}

/// The checksum of two pieces one after the other, from their own and the length of the second.
pub(crate) fn combine(first: u64, second: u64, second_len: u64) -> u64 {
    multiply(shift(second_len), first) ^ second
}

/// x to the power of the bits in `bytes`, modulo the polynomial.
fn shift(bytes: u64) -> u64 {
    let mut power = 1 << 63;
    // x^8, then squared for every bit of the length.
    let mut square = 1 << (63 - 8);
    let mut rest = bytes;
    while rest > 0 {
        if rest & 1 == 1 {
            power = multiply(square, power);
        }
        square = multiply(square, square);
        rest >>= 1;
    }
    power
}

/// Product of two polynomials modulo the polynomial; the highest bit is the coefficient of 1.
fn multiply(a: u64, mut b: u64) -> u64 {
    let mut product = 0;
    for bit in (0..64).rev() {
        if a >> bit & 1 == 1 {
            product ^= b;
        }
        b = if b & 1 == 1 { (b >> 1) ^ POLYNOMIAL } else { b >> 1 };
    }
    product
}

#[cfg(test)]
mod tests {
    use super::{Crc64, combine};

    fn crc(data: &[u8]) -> u64 {
        let mut crc = Crc64::default();
        crc.update(data);
        crc.value()
    }

    #[test]
    fn values_are_those_of_the_official_sdks() {
        assert_eq!(crc(b""), 0);
        assert_eq!(crc(b"123456789"), 11_051_210_869_376_104_954);
        assert_eq!(crc(b"hello world"), 5_981_764_153_023_615_706);
        assert_eq!(crc(&vec![0; 1_048_576]), 6_947_770_692_288_575_170);
    }

    #[test]
    fn pieces_of_any_length_give_the_same_value() {
        let data: Vec<u8> = (0..=255).cycle().take(1000).collect();
        for at in [0, 1, 7, 8, 9, 500, 999] {
            let mut pieces = Crc64::default();
            pieces.update(&data[..at]);
            pieces.update(&data[at..]);
            assert_eq!(pieces.value(), crc(&data), "split at {at}");
        }
    }

    #[test]
    fn zeros_need_not_be_there_to_be_counted() {
        for (head, count) in [("", 0), ("", 1), ("", 1 << 20), ("head", 7), ("head", 300_000)] {
            let mut counted = Crc64::default();
            counted.update(head.as_bytes());
            counted.zeros(count);
            let bytes = [head.as_bytes(), &vec![0; usize::try_from(count).unwrap()]].concat();
            assert_eq!(counted.value(), crc(&bytes), "{head:?} and {count} zeros");
        }
    }

    #[test]
    fn the_checksum_of_the_whole_follows_from_those_of_its_parts() {
        let data: Vec<u8> = (0..=255).cycle().take(1000).collect();
        for at in [0, 1, 500, 1000] {
            let (first, second) = data.split_at(at);
            assert_eq!(combine(crc(first), crc(second), second.len() as u64), crc(&data), "split at {at}");
        }
    }
}

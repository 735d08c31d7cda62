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
#[derive(Debug, Clone, Copy)]
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
            crc = mixed
                .iter()
                .zip(TABLES.iter().rev())
                .fold(0, |folded, (&byte, table)| folded ^ table[usize::from(byte)]);
        }
        for &byte in rest {
            let low = crc.to_le_bytes()[0];
            crc = (crc >> 8) ^ TABLES[0][usize::from(low ^ byte)];
        }
        self.0 = crc;
    }

    pub(crate) fn value(self) -> u64 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Crc64;

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
}

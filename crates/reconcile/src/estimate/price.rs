//! The list prices, and what requests cost by them.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::requests::SideAmounts;
use super::span::Span;

/// Requests that a price is for.
const REQUESTS: u128 = 10_000;

/// Bytes that a price is for.
const GIB: u128 = 1 << 30;

/// Parts of a unit of a currency that amounts are counted in.
const NANO: u128 = 1_000_000_000;

/// Services that have list prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Alibaba Cloud OSS.
    Oss,
    /// Huawei Cloud OBS.
    Obs,
    /// Amazon S3.
    S3,
}

/// What is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// Listings and writes: services charge them alike.
    Lists,
    /// HEADs and reads.
    Reads,
    /// Bytes that leave the cloud.
    Traffic,
}

impl Item {
    const ALL: [Self; 3] = [Self::Lists, Self::Reads, Self::Traffic];
}

/// A price in billionths of a unit of its currency: of 10,000 requests, or of one GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price(u64);

impl FromStr for Price {
    type Err = String;

    /// Reads a decimal number.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a price such as 0.01");
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_number(whole) || !is_number(part) || part.len() > 9 || whole.len() > 9 {
            return Err(wrong());
        }
        format!("{whole}{part:0<9}").parse().map(Self).map_err(|_| wrong())
    }
}

/// The prices of a side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prices {
    /// The currency, by its three letters.
    pub currency: String,
    /// Of listings and writes.
    pub lists: Option<Price>,
    /// Of HEADs and reads.
    pub reads: Option<Price>,
    /// Of bytes that leave the cloud.
    pub traffic: Option<Price>,
    /// Where and when they hold.
    pub holds: String,
    /// Who says so.
    pub source: String,
}

/// A row of the table.
struct PriceRow {
    service: Service,
    currency: &'static str,
    lists: Option<u64>,
    reads: Option<u64>,
    traffic: Option<u64>,
    holds: &'static str,
    source: &'static str,
}

/// What was found. Prices that are missing here were found nowhere; free quotas, packages and discounts are not
/// in it, and other regions and classes of storage have other prices.
///
/// That OSS charges a listing as a request of the class PUT is said in
/// <https://www.alibabacloud.com/help/en/oss/developer-reference/listobjects>. The requests of OBS all have the
/// same price, says <https://support.huaweicloud.com/intl/en-us/price-obs/obs_42_0004.html>, which does not name
/// it.
const TABLE: [PriceRow; 3] = [
    PriceRow {
        service: Service::Oss,
        currency: "CNY",
        lists: Some(10_000_000),
        reads: Some(10_000_000),
        traffic: Some(500_000_000),
        holds: "Standard, Chinese mainland, traffic by day; undated",
        source: "https://kandaoni.com/news/26917.html, which copies the vendor's table",
    },
    PriceRow {
        service: Service::Obs,
        currency: "CNY",
        lists: None,
        reads: None,
        traffic: Some(500_000_000),
        holds: "cn-north-4, traffic by day; July 2023",
        source: "https://huaweicloud.com/guide/category-\
            c8bae816a154d0e0afb3f34777e95e807f07c22e5c60a2b69925274c32047ec1-1",
    },
    PriceRow {
        service: Service::S3,
        currency: "USD",
        lists: Some(50_000_000),
        reads: Some(4_000_000),
        traffic: Some(90_000_000),
        holds: "Standard, us-east-1; July 2026",
        source: "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonS3/current/us-east-1/index.json",
    },
];

impl Prices {
    /// Those that the user gives, of which there is none yet.
    pub fn given(currency: &str) -> Self {
        Self {
            currency: currency.to_owned(),
            lists: None,
            reads: None,
            traffic: None,
            holds: "as given".to_owned(),
            source: "--price".to_owned(),
        }
    }

    /// Sets one of them.
    pub fn set(&mut self, item: Item, price: Price) {
        *match item {
            Item::Lists => &mut self.lists,
            Item::Reads => &mut self.reads,
            Item::Traffic => &mut self.traffic,
        } = Some(price);
    }

    /// The list prices of a service.
    pub fn listed(service: Service) -> Option<Self> {
        let row = TABLE.iter().find(|row| row.service == service)?;
        Some(Self {
            currency: row.currency.to_owned(),
            lists: row.lists.map(Price),
            reads: row.reads.map(Price),
            traffic: row.traffic.map(Price),
            holds: row.holds.to_owned(),
            source: row.source.to_owned(),
        })
    }

    /// What these requests cost; what has no price is named and not in the sum.
    pub fn cost(&self, amounts: &SideAmounts) -> Cost {
        let SideAmounts { list, head, get, put, bytes, .. } = *amounts;
        let mut cost = Cost { currency: self.currency.clone(), from: 0, to: Some(0), unpriced: Vec::new() };
        for item in Item::ALL {
            let (amount, price, unit) = match item {
                Item::Lists => (list + put, self.lists, REQUESTS),
                Item::Reads => (head + get, self.reads, REQUESTS),
                Item::Traffic => (bytes, self.traffic, GIB),
            };
            match price {
                Some(price) => cost.add(amount, price, unit),
                None if amount.is_any() => cost.unpriced.push(item),
                None => {}
            }
        }
        cost
    }
}

/// What requests cost, in billionths of a unit of the currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// The currency, by its three letters.
    pub currency: String,
    /// At least so much.
    pub from: u128,
    /// At most so much, if anything bounds it.
    pub to: Option<u128>,
    /// What no price is known for.
    pub unpriced: Vec<Item>,
}

impl Cost {
    fn add(&mut self, amount: Span, Price(price): Price, unit: u128) {
        let of = |amount: u64| (u128::from(amount) * u128::from(price)).div_ceil(unit);
        self.from += of(amount.from);
        self.to = self.to.zip(amount.to).map(|(sum, to)| sum + of(to));
    }

    /// The bounds in units of the currency.
    #[expect(clippy::cast_precision_loss, reason = "an amount of money has fewer digits")]
    pub fn in_units(&self) -> (f64, Option<f64>) {
        let units = |amount: u128| amount as f64 / NANO as f64;
        (units(self.from), self.to.map(units))
    }
}

/// `0.0123 to 1.24 CNY`, `at least 0.01 CNY`; what is smaller than a ten-thousandth is shown as one.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (units(self.from), self.to.map(units));
        match to {
            Some(to) if to == from => f.write_str(&to)?,
            Some(to) => write!(f, "{from} to {to}")?,
            None => write!(f, "at least {from}")?,
        }
        write!(f, " {}", self.currency)
    }
}

/// An amount with two digits behind the point, or four where it is small. Rounded up.
fn units(amount: u128) -> String {
    let digits = if amount >= NANO { 2 } else { 4 };
    let scale = 10_u128.pow(digits);
    let scaled = (amount * scale).div_ceil(NANO);
    if scaled == 0 {
        return "0".to_owned();
    }
    format!("{}.{:0width$}", scaled / scale, scaled % scale, width = digits as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(list: u64, head: Span) -> SideAmounts {
        SideAmounts {
            list: Span::exactly(list),
            head,
            get: Span::NONE,
            put: Span::NONE,
            delete: Span::NONE,
            bytes: Span::NONE,
        }
    }

    #[test]
    fn a_price_is_a_decimal_number() {
        for (text, nano) in [("0.01", 10_000_000), ("5", 5_000_000_000), ("0.000000001", 1), ("0", 0)] {
            assert_eq!(text.parse(), Ok(Price(nano)), "{text}");
        }
        for text in ["", ".", ".5", "1e3", "-1", "0,01", "1 000", "0.0000000001", "NaN", "10000000000"] {
            assert!(text.parse::<Price>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_million_requests_cost_what_the_list_says() {
        let s3 = Prices::listed(Service::S3).unwrap();
        // 0.005 USD for 1,000 listings and 0.004 USD for 10,000 HEADs.
        let cost = s3.cost(&requests(1_000_000, Span::up_to(1_000_000)));
        assert_eq!(cost.to_string(), "5.00 to 5.40 USD");
        assert_eq!(cost.in_units(), (5.0, Some(5.4)));
        let oss = Prices::listed(Service::Oss).unwrap();
        assert_eq!(oss.cost(&requests(1, Span::NONE)).to_string(), "0.0001 CNY");
        assert_eq!(oss.cost(&requests(0, Span::UNKNOWN)).to_string(), "at least 0 CNY");
        let traffic = SideAmounts { bytes: Span::exactly(10 << 30), ..requests(0, Span::NONE) };
        assert_eq!(oss.cost(&traffic).to_string(), "5.00 CNY");
    }

    #[test]
    fn what_has_no_price_is_named_and_never_taken_for_nothing() {
        let obs = Prices::listed(Service::Obs).unwrap();
        let cost = obs.cost(&requests(3, Span::NONE));
        assert_eq!((cost.to, cost.unpriced), (Some(0), vec![Item::Lists]));
        let cost = obs.cost(&requests(3, Span::UNKNOWN));
        assert_eq!((cost.to, cost.unpriced), (Some(0), vec![Item::Lists, Item::Reads]));
    }

    #[test]
    fn each_row_says_where_and_when_it_holds_and_who_says_so() {
        for row in &TABLE {
            assert!(row.source.starts_with("https://") && row.holds.contains(';'), "{}", row.source);
            assert!(row.lists.or(row.reads).or(row.traffic).is_some(), "{}", row.source);
        }
    }
}

//! Prices that the user gives.

use std::str::FromStr;

use object_copy::transfer::Side as End;
use reconcile::estimate::{Item, Price, Prices};
use settings::{Invalid, Reader};

/// A price of one side.
#[derive(Clone, Debug)]
pub(super) struct OwnPrice {
    end: End,
    item: Item,
    price: Price,
    currency: String,
}

/// What prices are for, by its name.
const NAMES: [(&str, End, Item); 6] = [
    ("src-list", End::Source, Item::Lists),
    ("src-read", End::Source, Item::Reads),
    ("src-traffic", End::Source, Item::Traffic),
    ("dst-list", End::Destination, Item::Lists),
    ("dst-read", End::Destination, Item::Reads),
    ("dst-traffic", End::Destination, Item::Traffic),
];

impl FromStr for OwnPrice {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || {
            Invalid::new(format_args!("{text:?} is no price"))
                .with_remedy("write one such as src-list=0.01CNY, with src-list, src-read, src-traffic, dst-list, dst-read or dst-traffic")
        };
        let (name, amount) = text.split_once('=').ok_or_else(wrong)?;
        let &(_, end, item) =
            NAMES.iter().find(|(known, ..)| name.trim().eq_ignore_ascii_case(known)).ok_or_else(wrong)?;
        let amount = amount.trim();
        let (number, currency) = amount.split_at_checked(amount.len().saturating_sub(3)).ok_or_else(wrong)?;
        if !currency.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(wrong());
        }
        let price = number.trim().parse().map_err(|_| wrong())?;
        Ok(Self { end, item, price, currency: currency.to_ascii_uppercase() })
    }
}

/// The prices of both sides, where some are given. Two currencies at one side are a problem.
pub(super) fn of_sides(r: &mut Reader, given: &[OwnPrice]) -> [Option<Prices>; 2] {
    [End::Source, End::Destination].map(|end| {
        let of_side = given.iter().filter(|price| price.end == end);
        let mut prices = Prices::given(&of_side.clone().next()?.currency);
        if of_side.clone().any(|price| price.currency != prices.currency) {
            let what = Invalid::new("the prices of one side have several currencies");
            r.problem("--price", what.with_remedy("give all prices of a side in one"));
            return None;
        }
        of_side.for_each(|OwnPrice { item, price, .. }| prices.set(*item, *price));
        Some(prices)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_has_what_it_is_for_an_amount_and_a_currency() {
        let price: OwnPrice = "src-list=0.01CNY".parse().unwrap();
        assert_eq!((price.end, price.item, &*price.currency), (End::Source, Item::Lists, "CNY"));
        assert_eq!(price.price, "0.01".parse().unwrap());
        let price: OwnPrice = "DST-traffic = 0.09 usd".parse().unwrap();
        assert_eq!((price.end, price.item, &*price.currency), (End::Destination, Item::Traffic, "USD"));
        for text in [
            "",
            "0.01CNY",
            "list=0.01CNY",
            "src-list=CNY",
            "src-list=0.01",
            "src-list=0,01CNY",
            "src-list=x€",
        ] {
            assert!(text.parse::<OwnPrice>().is_err(), "{text}");
        }
    }
}

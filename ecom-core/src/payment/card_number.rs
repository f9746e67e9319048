//! Recognises card numbers in text that must not hold any.

/// The lengths that card numbers have, over all schemes.
const LENGTHS: std::ops::RangeInclusive<usize> = 12..=19;

/// Whether the text holds what looks like a card number: digits, perhaps in groups, with the prefix and length of a
/// card scheme and a correct check digit.
///
/// Numbers are looked for between group borders only: inside a longer run of digits (a date and an id written
/// together) one window in ten would pass the check digit by chance.
pub fn holds_card_number(text: &str) -> bool {
    runs(text).iter().any(|groups| {
        (0..groups.len()).any(|first| {
            let mut digits = Vec::with_capacity(*LENGTHS.end());
            groups[first..].iter().any(|group| {
                digits.extend_from_slice(group);
                is_card_number(&digits)
            })
        })
    })
}

/// The text's runs of digit groups; the groups of a run are divided by nothing but spaces, dots and dashes.
fn runs(text: &str) -> Vec<Vec<Vec<u8>>> {
    let (mut runs, mut run, mut group) = (vec![], vec![], vec![]);
    for character in text.chars() {
        if let Some(digit) = character.to_digit(10) {
            group.push(digit as u8);
            continue;
        }
        if !group.is_empty() {
            run.push(std::mem::take(&mut group));
        }
        if !divides(character) {
            runs.push(std::mem::take(&mut run));
        }
    }
    run.push(group);
    runs.push(run);
    runs
}

fn divides(character: char) -> bool {
    character.is_whitespace() || matches!(character, '-' | '.' | '\u{2010}'..='\u{2015}')
}

fn is_card_number(digits: &[u8]) -> bool {
    LENGTHS.contains(&digits.len()) && has_scheme(digits) && passes_luhn(digits)
}

/// Whether prefix and length are those of a scheme.
fn has_scheme(digits: &[u8]) -> bool {
    let prefix =
        |length: usize| digits.iter().take(length).fold(0_u32, |number, digit| number * 10 + u32::from(*digit));
    let length = digits.len();
    match prefix(4) {
        2221..=2720 | 5100..=5599 => length == 16,
        3400..=3499 | 3700..=3799 => length == 15,
        3000..=3059 | 3095 | 3600..=3699 | 3800..=3999 => (14..=19).contains(&length),
        4000..=4999 => matches!(length, 13 | 16 | 19),
        2200..=2204 | 3528..=3589 | 6011 | 6200..=6299 | 6440..=6599 | 8100..=8199 => (16..=19).contains(&length),
        5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763 => (12..=19).contains(&length),
        _ => false,
    }
}

/// The check of ISO/IEC 7812-1.
fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(position, digit)| {
            let digit = u32::from(*digit) << (position % 2);
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_of_every_scheme_are_found() {
        for text in [
            "4242424242424242",
            "4242 4242 4242 4242",
            "4242-4242-4242-4242",
            "4242.4242.4242.4242",
            "tok_4242424242424242",
            "refund 12 to 4242  4242 4242 4242, please",
            "4242\u{a0}4242\u{a0}4242\u{a0}4242",
            "card:4000056655665556;exp 12/30",
            "4222222222222",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
            "3782 822463 10005",
            "6011111111111117",
            "30569309025904",
            "3566002020360505",
            "6200000000000005",
            "2 4242 4242 4242 4242 7",
        ] {
            assert!(holds_card_number(text), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_not_taken_for_card_numbers() {
        for text in [
            "",
            "tok_visa",
            "4242424242424241",
            "42424242424242420",
            "1234567812345670",
            "0000000000000000",
            "call +49 30 901820",
            "invoice 2026-11-22 17:56",
            "0190b0a2-4242-7000-8000-424242424242",
            "4242 4242 x 4242 4242",
            "42424242424",
            "the 16 digits 5105105105105101 are wrong",
        ] {
            assert!(!holds_card_number(text), "{text}");
        }
    }
}

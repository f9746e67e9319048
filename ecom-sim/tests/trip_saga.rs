//! A saga that is not the shop's, held to its promises: a room and a car, booked side by side.

use ecom_core::saga::State;
use ecom_core::testing::trip::{Effect, End, ID, Input, Part, Trip};
use ecom_sim::assert_saga;
use ecom_sim::saga::{Desk, Story};
use proptest::prelude::{Just, Strategy, any};
use proptest::{collection, prop_oneof};

/// The one who lets rooms and cars.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Letting {
    full: Option<Part>,
    booked: Vec<Part>,
}

impl Desk<Trip> for Letting {
    fn carry_out(&mut self, effect: &Effect) -> bool {
        match effect {
            Effect::Book(_, part) if self.full == Some(*part) => false,
            Effect::Book(_, part) => {
                self.booked.push(*part);
                true
            }
            Effect::LetGo(_, part) => {
                let before = self.booked.len();
                self.booked.retain(|booked| booked != part);
                self.booked.len() < before
            }
        }
    }
}

/// Somebody wishes a trip; he or others click again and ask again; the room or the car may not be there to be had.
fn stories() -> impl Strategy<Value = Story<Trip, Letting>> {
    let full = prop_oneof![Just(None), Just(Some(Part::Room)), Just(Some(Part::Car))];
    let more = collection::vec((prop_oneof![Just(Input::Wish), Just(Input::AskAgain)], any::<bool>()), 0..4);
    (full, more).prop_map(|(full, more)| {
        let story = Story::new(Letting { full, booked: vec![] }).send(ID, Input::Wish);
        more.into_iter().fold(story, |story, (input, meanwhile)| {
            let story = if meanwhile { story.meanwhile() } else { story };
            story.send(ID, input)
        })
    })
}

#[test]
fn a_trip_keeps_its_promises_whatever_goes_wrong() {
    assert_saga!(Trip, Letting, stories(),
    always "nothing is booked twice" => |_, letting| letting.booked.len() <= 2,
    at_rest "a trip is booked as a whole or not at all" => |trips, letting| {
        let is_booked = trips.values().any(|trip| trip.state == State::Ended(End::Booked));
        letting.booked.len() == if is_booked { 2 } else { 0 }
    });
}

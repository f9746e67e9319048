//! Why nothing reaches some cells of the user service.

use ecom_core::event::Service;

use super::{ALL, BY_KEY, Because, KEYLESS, KNOWN, LEFT, LEFT_OR_TAKEN, NOBODY, PATIENT, REFUSED, Reason, TAKEN};

const IN: Because = Because(Service::User);

/// All of them.
pub(super) const REASONS: &[Reason] = &[
    IN.why(
        NOBODY,
        &[
            "sign in",
            "refresh",
            "sign out",
            "change password",
            "ask for a reset",
            "reset",
            "first administrator",
            "user.password_reset_requested",
        ],
        ALL,
        ALL,
    ),
    IN.why(KEYLESS, ALL, ALL, BY_KEY),
    IN.why("whoever may ask is told of those who are there", &["resync"], ALL, REFUSED),
    IN.why(PATIENT, &["register", "create administrator", "change profile"], &["inactive"], ALL),
    IN.why(KNOWN, &["register", "create administrator"], &["active"], LEFT),
    IN.why("who is not there is refused", &["change profile", "deactivate"], &["absent"], LEFT_OR_TAKEN),
    IN.why("a command that is right changes something", &["register", "create administrator"], &["absent"], TAKEN),
    IN.why("whoever has left is refused", &["deactivate"], &["inactive"], LEFT_OR_TAKEN),
    IN.why(
        "everybody has an address of his own",
        &["register", "create administrator"],
        &["absent", "active"],
        REFUSED,
    ),
    IN.why("anybody may change his own name", &["change profile"], &["active"], REFUSED),
    IN.why(
        "whoever is there may leave, but the last administrator, who stays",
        &["deactivate"],
        &["active"],
        &["decide/stayed", "decide/refused"],
    ),
];

-- What has to be found by its age, so that nothing that only guards against repetition is kept for ever.

CREATE INDEX inbox_age ON inbox (at);
CREATE INDEX kept_answers_age ON kept_answers (at);

-- The time of the last attempt.
ALTER TABLE attempts ADD COLUMN at TIMESTAMPTZ NOT NULL DEFAULT now();
CREATE INDEX attempts_age ON attempts (at);
CREATE INDEX attempts_of_message ON attempts (message_id);

DROP INDEX dead_letters_newest;
CREATE INDEX dead_letters_age ON dead_letters (at, id) WHERE taken_at IS NULL;

-- The W3C trace context of what asked for a call: its answer goes on in the same trace.

ALTER TABLE effects ADD COLUMN traceparent TEXT;

//! What every server needs: config, telemetry, health, deadlines, admission, drain.

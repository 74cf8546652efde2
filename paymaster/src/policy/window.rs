//! When the windows of limits begin. All are in UTC, and the same for everyone, so that two processes count in one row.

use time::{Date, Duration, OffsetDateTime, Time, UtcOffset};

use super::document::Window;

impl Window {
    /// The beginning of the window that `now` is in.
    pub(super) fn since(self, now: OffsetDateTime) -> OffsetDateTime {
        let now = now.to_offset(UtcOffset::UTC);
        let day = |date: Date| date.with_time(Time::MIDNIGHT).assume_utc();
        let date = now.date();
        let midnight = day(date);
        match self {
            Self::Minute => now - seconds_into(now, midnight, 60),
            Self::Hour => now - seconds_into(now, midnight, 3_600),
            Self::Day => midnight,
            Self::Week => {
                day(date - Duration::days(date.weekday().number_days_from_monday().into()))
            }
            // The first of a month that there is, is a day that there is.
            Self::Month => day(date.replace_day(1).unwrap_or(date)),
            Self::Lifetime => OffsetDateTime::UNIX_EPOCH,
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Lifetime => "lifetime",
        }
    }
}

/// How far `now` is into its part of the day, of which each has so many seconds.
fn seconds_into(now: OffsetDateTime, midnight: OffsetDateTime, part_s: i64) -> Duration {
    let since = now - midnight;
    since - Duration::seconds(since.whole_seconds() / part_s * part_s)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::format_description::well_known::Rfc3339;

    use super::*;

    const ALL: [Window; 6] =
        [Window::Minute, Window::Hour, Window::Day, Window::Week, Window::Month, Window::Lifetime];

    fn at(text: &str) -> OffsetDateTime {
        OffsetDateTime::parse(text, &Rfc3339).unwrap()
    }

    #[test]
    fn windows_begin_where_clocks_and_calendars_do_in_utc() {
        let now = at("2026-11-26T12:34:56.789Z");
        for (window, since) in [
            (Window::Minute, "2026-11-26T12:34:00Z"),
            (Window::Hour, "2026-11-26T12:00:00Z"),
            (Window::Day, "2026-11-26T00:00:00Z"),
            (Window::Week, "2026-11-23T00:00:00Z"),
            (Window::Month, "2026-11-01T00:00:00Z"),
            (Window::Lifetime, "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(window.since(now), at(since), "{window:?}");
        }
        let elsewhere = at("2026-12-01T01:30:00+02:00");
        assert_eq!(Window::Month.since(elsewhere), at("2026-11-01T00:00:00Z"));
    }

    proptest! {
        #[test]
        fn a_window_began_before_now_and_all_of_it_begins_at_once(s in 0_i64..4_000_000_000) {
            let now = OffsetDateTime::from_unix_timestamp(s).unwrap();
            for window in ALL {
                let since = window.since(now);
                prop_assert!(since <= now);
                prop_assert_eq!(window.since(since), since);
            }
        }
    }
}

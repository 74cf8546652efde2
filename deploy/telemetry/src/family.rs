//! What a process measures, as data: so that code, page and running process can be held against each other.

/// What its numbers mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How often something took how long.
    Histogram,
}

impl Kind {
    /// The word that Prometheus has for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric with all its label values.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What its numbers mean.
    pub kind: Kind,
    /// The names of its labels. Their values come from small closed sets, never from ids.
    pub labels: &'static [&'static str],
    /// What it tells.
    pub help: &'static str,
}

/// Tells the exporter what each metric is. What has no labels is there from the start, at zero.
pub fn describe(families: &[Family]) {
    for family in families {
        let Family { name, kind, labels, help } = *family;
        match kind {
            Kind::Counter => metrics::describe_counter!(name, help),
            Kind::Gauge => metrics::describe_gauge!(name, help),
            Kind::Histogram => metrics::describe_histogram!(name, help),
        }
        if !labels.is_empty() {
            continue;
        }
        match kind {
            Kind::Counter => metrics::counter!(name).increment(0),
            Kind::Gauge => metrics::gauge!(name).increment(0.0),
            // It is registered by being named.
            Kind::Histogram => drop(metrics::histogram!(name)),
        }
    }
}

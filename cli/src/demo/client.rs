//! The gateway as a device sees it: plain HTTP and JSON.

use anyhow::{Context, bail};
use ciro_api::{
    JobId, Problem,
    rest::jobs::{CreateJob, Job},
};
use reqwest::{RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::device::Device;

/// A gateway at a URL.
pub struct Gateway {
    http: reqwest::Client,
    url: String,
}

impl Gateway {
    /// A gateway at `url`, reached without proxies.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        Ok(Self { http: reqwest::Client::builder().no_proxy().build()?, url: url.to_owned() })
    }

    /// A POST to be filled.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.url))
    }

    /// A GET to be sent.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.url))
    }

    /// A PUT to `path`.
    pub fn put(&self, path: &str) -> RequestBuilder {
        self.http.put(format!("{}{path}", self.url))
    }

    /// Posts a job and waits for its end, however often the wait must be renewed.
    pub async fn run(&self, device: &Device, body: &CreateJob) -> anyhow::Result<Job> {
        let request = self
            .post("/v1/jobs")
            .bearer_auth(&device.token)
            .header("idempotency-key", Uuid::new_v4().to_string())
            .header("prefer", "wait=30")
            .json(body);
        let mut job: Job = answer(request).await?;
        while !job.status.is_final() {
            job = self.wait(device, job.id, 30_000).await?;
        }
        Ok(job)
    }

    /// The job as it stands.
    pub async fn job(&self, device: &Device, id: JobId) -> anyhow::Result<Job> {
        self.wait(device, id, 0).await
    }

    async fn wait(&self, device: &Device, id: JobId, wait_ms: u64) -> anyhow::Result<Job> {
        let path = format!("/v1/jobs/{id}?wait_ms={wait_ms}");
        answer(self.get(&path).bearer_auth(&device.token)).await
    }
}

/// Reads a success, or fails with what the problem document says.
pub async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> anyhow::Result<T> {
    let reply = request.send().await.context("the gateway does not answer")?;
    let status = reply.status();
    if status.is_success() {
        return reply.json().await.context("reading the gateway's answer");
    }
    let problem: Problem = reply.json().await.with_context(|| describe(status))?;
    bail!(problem)
}

fn describe(status: StatusCode) -> String {
    format!("the gateway answered {status} without a problem document")
}

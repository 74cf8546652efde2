"""The rated sentences: the pinned sdist they come from, their classes and split."""

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import scipy.sparse as sp

import features as F

SDIST = "vaderSentiment-3.3.2.tar.gz"
SDIST_SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
RATINGS = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
CORPORA = {
    "movie": "movieReviewSnippets",
    "product": "amazonReviewSnippets",
    "tweet": "tweets",
    "news": "nytEditorialSnippets",
}
# The mean of 20 raters has a standard error of about 0.16 to 0.20, so a rating
# beyond half a point is at least 2.5 standard errors away from zero.
NEUTRAL_BELOW = 0.5


def sdist(cache: Path) -> Path:
    path = cache / SDIST
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
            wanted.write(f"vaderSentiment==3.3.2 --hash=sha256:{SDIST_SHA256}\n")
            wanted.flush()
            subprocess.run(
                [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:",
                 "--require-hashes", "--dest", str(cache), "-r", wanted.name],
                check=True,
            )
    if hashlib.sha256(path.read_bytes()).hexdigest() != SDIST_SHA256:
        sys.exit(f"{path} is not the pinned sdist")
    return path


class Data:
    """Rated sentences, one per distinct token sequence, with their split."""

    def __init__(self, cache: Path):
        texts, ratings, corpus, split, seen = [], [], [], [], set()
        with tarfile.open(sdist(cache)) as outer:
            inner = outer.extractfile(RATINGS).read()
        with tarfile.open(fileobj=io.BytesIO(inner)) as archive:
            for name, stem in CORPORA.items():
                member = archive.extractfile(f"hutto_ICWSM_2014/{stem}_GroundTruth.txt")
                for line in member.read().decode("utf-8").split("\r\n"):
                    if not line:
                        continue
                    _, rating, text = line.split("\t")
                    toks = F.tokens(text)
                    key = F.split_key(toks)
                    if key in seen:
                        continue
                    seen.add(key)
                    texts.append(text)
                    ratings.append(float(rating))
                    corpus.append(name)
                    split.append(F.split_digit(toks))
        self.ids = [F.features(t) for t in texts]
        self.rating = np.array(ratings)
        self.corpus = np.array(corpus)
        self.label = np.where(self.rating <= -NEUTRAL_BELOW, 0, np.where(self.rating < NEUTRAL_BELOW, 1, 2))
        digit = np.array(split)
        self.test, self.validation = digit == 0, digit == 1
        self.train = digit > 1

    def matrix(self) -> sp.csr_matrix:
        lengths = [len(i) for i in self.ids]
        values = np.concatenate([np.full(n, 1 / np.sqrt(max(n, 1)), np.float32) for n in lengths])
        columns = np.concatenate([np.array(i, np.int32) for i in self.ids])
        return sp.csr_matrix((values, columns, np.cumsum([0, *lengths])), shape=(len(self.ids), F.BUCKETS))

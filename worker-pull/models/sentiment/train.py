"""Trains ciro/sentiment@1 from human ratings and writes everything the worker ships.

    python train.py          train, report, write model.onnx, manifest.json,
                             vectors.json and the figures in MODEL_CARD.md
    python train.py --check  re-evaluate the committed model.onnx and fail unless
                             it reproduces the figures, digest and vectors

The model is a multinomial logistic regression over hashed n-grams. Its weights
are one int8 row of three class scores for each bucket, summed as integers, so
that neither padding nor batching can change a result.
"""

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import scipy.sparse as sp
from onnx import TensorProto, helper, numpy_helper
from scipy.optimize import minimize
from scipy.stats import norm

import features as F
from cases import CASES, OBVIOUS
from data import CORPORA, NEUTRAL_BELOW, Data

HERE = Path(__file__).parent
LABELS = ("negative", "neutral", "positive")

# Spreads a rating near a threshold over both classes instead of pretending it is certain.
RATING_BLUR = 0.4
L2 = 2e-5
ITERATIONS = 50
NB_SMOOTHING = 0.5
NB_FLOOR = 1.0
BEGIN, END = "<!-- train.py:begin -->", "<!-- train.py:end -->"


def soft_targets(rating: np.ndarray) -> np.ndarray:
    negative = norm.cdf((-NEUTRAL_BELOW - rating) / RATING_BLUR)
    positive = norm.sf((NEUTRAL_BELOW - rating) / RATING_BLUR)
    return np.stack([negative, 1 - negative - positive, positive], axis=1)


def prior_scale(x: sp.csr_matrix, rating: np.ndarray) -> np.ndarray:
    """Per-bucket scale that lets L2 spare the buckets which tell the signs apart (NB-SVM)."""
    seen = (x > 0).astype(np.float64)
    pos = seen.T @ np.clip(rating, 0, None) + NB_SMOOTHING
    neg = seen.T @ np.clip(-rating, 0, None) + NB_SMOOTHING
    ratio = np.abs(np.log(pos / pos.sum()) - np.log(neg / neg.sum()))
    count = np.asarray(seen.sum(0)).ravel()
    return (ratio + NB_FLOOR) * (count > 0)


def fit(x: sp.csr_matrix, rating: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scale = prior_scale(x, rating)
    used = np.flatnonzero(scale)
    x = (x[:, used] @ sp.diags(scale[used])).tocsr()
    xt = x.T.tocsr()
    target = soft_targets(rating)
    n, d, k = x.shape[0], x.shape[1], len(LABELS)

    def loss(flat: np.ndarray):
        w, b = flat[: d * k].reshape(d, k), flat[d * k :]
        z = x @ w + b
        z -= z.max(1, keepdims=True)
        p = np.exp(z)
        s = p.sum(1, keepdims=True)
        g = (p / s - target) / n
        value = -(target * (z - np.log(s))).sum() / n + 0.5 * L2 * (w * w).sum()
        return value, np.concatenate([(xt @ g + L2 * w).ravel(), g.sum(0)])

    found = minimize(loss, np.zeros(d * k + k), jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS})
    weights = np.zeros((F.BUCKETS, k))
    weights[used] = found.x[: d * k].reshape(d, k) * scale[used, None]
    bias = found.x[d * k :]
    # Softmax ignores a common offset; without it the int8 range is spent on differences alone.
    return weights - weights.mean(1, keepdims=True), bias - bias.mean()


def export(weights: np.ndarray, bias: np.ndarray) -> bytes:
    # Clipping the rarest extremes costs less than coarser steps for all the rest.
    limit = np.quantile(np.abs(weights[weights.any(1)]), 0.9999)
    step = np.float32(limit / 127)
    table = np.clip(np.rint(weights / step), -127, 127).astype(np.int8)
    # Padding must add nothing to the sum.
    table[0] = 0
    node = helper.make_node
    nodes = [
        node("Gather", ["table", "ids"], ["rows"]),
        node("Cast", ["rows"], ["rows32"], to=TensorProto.INT32),
        node("ReduceSum", ["rows32", "axis"], ["total32"], keepdims=0),
        node("Cast", ["total32"], ["total"], to=TensorProto.FLOAT),
        node("Cast", ["ids"], ["present"], to=TensorProto.BOOL),
        node("Cast", ["present"], ["present32"], to=TensorProto.INT32),
        node("ReduceSum", ["present32", "axis"], ["count32"], keepdims=1),
        node("Cast", ["count32"], ["count"], to=TensorProto.FLOAT),
        node("Max", ["count", "one"], ["length"]),
        node("Sqrt", ["length"], ["root"]),
        node("Div", ["total", "root"], ["mean"]),
        node("Mul", ["mean", "step"], ["score"]),
        node("Add", ["score", "bias"], ["logits"]),
        node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    constants = {
        "table": table,
        "axis": np.array([1], np.int64),
        "one": np.array(1, np.float32),
        "step": np.array(step, np.float32),
        "bias": bias.astype(np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "ciro-sentiment-1",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "n"])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 3])],
        [numpy_helper.from_array(v, name) for name, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


class Runner:
    def __init__(self, model: bytes):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def __call__(self, ids: list[list[int]], width: int = 0) -> np.ndarray:
        width = max(1, width, *(len(i) for i in ids))
        batch = np.zeros((len(ids), width), np.int64)
        for row, i in zip(batch, ids):
            row[: len(i)] = i
        return self.session.run(["probabilities"], {"ids": batch})[0]

    def all(self, ids: list[list[int]]) -> np.ndarray:
        return np.concatenate([self(ids[i : i + 64]) for i in range(0, len(ids), 64)])


def scores(p: np.ndarray, data: Data, mask: np.ndarray) -> dict[str, float]:
    y, guess, rating = data.label[mask], p.argmax(1), data.rating[mask]
    f1 = [2 * ((guess == c) & (y == c)).sum() / max(1, (guess == c).sum() + (y == c).sum()) for c in range(3)]
    clear = np.abs(rating) >= 1
    sign = (p[:, 2] > p[:, 0]) == (rating > 0)
    usual = np.bincount(data.label[data.train | data.validation]).argmax()
    return {
        "n": len(y),
        "accuracy": (guess == y).mean(),
        "macro_f1": np.mean(f1),
        "majority": (y == usual).mean(),
        "sign_n": int(clear.sum()),
        "sign_accuracy": sign[clear].mean(),
    }


def report(data: Data, p: np.ndarray) -> tuple[str, dict[str, float]]:
    lines = ["| held-out test | sentences | accuracy | macro-F1 | majority class | rated ±1 or beyond | sign accuracy |",
             "|---|---|---|---|---|---|---|"]
    total = scores(p, data, data.test)
    corpora = data.corpus[data.test]
    rows = {"all": total}
    for name in CORPORA:
        rows[name] = scores(p[corpora == name], data, data.test & (data.corpus == name))
    for name, s in rows.items():
        lines.append(f"| {name} | {s['n']} | {s['accuracy']:.4f} | {s['macro_f1']:.4f} | {s['majority']:.4f} "
                     f"| {s['sign_n']} | {s['sign_accuracy']:.4f} |")
    return "\n".join(lines), total


def compact(value) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def vectors(run: Runner) -> str:
    rows = []
    for case in CASES:
        text = case["text"] * case.get("repeat", 1)
        ids = F.features(text)
        row = {**case, "count": len(ids), "fnv1a64": f"{F.fnv1a64(','.join(map(str, ids)).encode()):016x}"}
        row["ids" if len(ids) <= 64 else "first_ids"] = ids if len(ids) <= 64 else ids[:20]
        row["probabilities"] = [round(float(v), 4) for v in run([ids])[0]]
        rows.append(compact(row))
    return "[\n" + ",\n".join(rows) + "\n]\n"


def manifest(model: bytes) -> str:
    return compact({
        "artifact": {"bytes": len(model), "sha256": hashlib.sha256(model).hexdigest()},
        "commitment": "sha256",
        "input": {"bytes_max": 65536, "media_type": "text/plain; charset=utf-8"},
        "level": "signed",
        "name": "ciro/sentiment@1",
        "output": {"media_type": "application/json"},
        "preprocessing": "hashed-ngrams-v1",
        "runtime": "onnx",
    })


def batching_is_exact(run: Runner, ids: list[list[int]]) -> bool:
    batched = run(ids, F.MAX_FEATURES)
    return all(np.array_equal(run([i])[0], row) for i, row in zip(ids, batched))


def check(data: Data) -> None:
    model = (HERE / "model.onnx").read_bytes()
    run = Runner(model)
    table, total = report(data, run.all([i for i, t in zip(data.ids, data.test) if t]))
    print(table)
    stated = float(re.search(r"<!-- heldout_accuracy=([0-9.]+) -->", (HERE / "MODEL_CARD.md").read_text())[1])
    failures = []
    if abs(stated - total["accuracy"]) > 0.002:
        failures.append(f"the card states {stated}, the model reaches {total['accuracy']:.4f}")
    if (HERE / "manifest.json").read_text() != manifest(model):
        failures.append("manifest.json does not describe model.onnx")
    if (HERE / "vectors.json").read_text() != vectors(run):
        failures.append("vectors.json does not match")
    sys.exit("\n".join(failures) or 0)


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--check", action="store_true")
    args.add_argument("--cache", type=Path, default=Path.home() / ".cache/ciro-network/data")
    args = args.parse_args()
    data = Data(args.cache)
    if args.check:
        return check(data)

    x = data.matrix()
    of = lambda mask: [i for i, m in zip(data.ids, mask) if m]
    run = Runner(export(*fit(x[data.train], data.rating[data.train])))
    s = scores(run.all(of(data.validation)), data, data.validation)
    chosen = (f"Validation, trained without it ({data.train.sum()} sentences to train, {s['n']} to validate): "
              f"accuracy {s['accuracy']:.4f}, macro-F1 {s['macro_f1']:.4f}, sign accuracy {s['sign_accuracy']:.4f}.")
    print(chosen, flush=True)

    # Nothing is chosen after this point, so the shipped weights may learn from validation too.
    known = data.train | data.validation
    model = export(*fit(x[known], data.rating[known]))
    run = Runner(model)
    table, total = report(data, run.all(of(data.test)))
    tail = [f"Bit-identical alone and padded in a batch of 64: {batching_is_exact(run, of(data.test)[:64])}.", "",
            "| text | negative | neutral | positive |", "|---|---|---|---|"]
    for text in OBVIOUS:
        p = run([F.features(text)])[0]
        tail.append(f"| {text} | " + " | ".join(f"{v:.4f}" for v in p) + " |")
    figures = "\n".join([f"<!-- heldout_accuracy={total['accuracy']:.4f} -->", chosen,
                         f"Shipped weights, trained on {known.sum()} sentences:", "", table, "", *tail])
    print(figures)
    print(f"model.onnx: {len(model)} bytes")

    (HERE / "model.onnx").write_bytes(model)
    (HERE / "manifest.json").write_text(manifest(model))
    (HERE / "vectors.json").write_text(vectors(run))
    card = (HERE / "MODEL_CARD.md").read_text()
    head, rest = card.split(BEGIN)
    (HERE / "MODEL_CARD.md").write_text(f"{head}{BEGIN}\n{figures}\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()

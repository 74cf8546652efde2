"""hashed-ngrams-v1: text to bucket ids, as PREPROCESSING.md defines it.

The worker has a second implementation in Rust; vectors.json holds both to the
same ids. Nothing here depends on Unicode tables, locale or Python version, so
that the two cannot drift apart when a table is updated.
"""

from functools import lru_cache

BUCKETS = 1 << 18
MAX_FEATURES = 2048
CHAR_MIN, CHAR_MAX = 3, 5
# Bounds the character n-grams one token may claim of MAX_FEATURES.
MAX_TOKEN = 32
MAX_RUN = 3

SPACE, WORD, PUNCT, SYMBOL = range(4)


@lru_cache(maxsize=1 << 21)
def fnv1a64(data: bytes) -> int:
    h = 0xCBF29CE484222325
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return h


def char_class(c: int) -> int:
    if c < 0x80:
        if c <= 0x20 or c == 0x7F:
            return SPACE
        if c == 0x27 or 0x30 <= c <= 0x39 or 0x61 <= c <= 0x7A:
            return WORD
        return PUNCT
    if c <= 0xA0 or 0x2000 <= c <= 0x200F or 0x2028 <= c <= 0x202F or c in (0x205F, 0x3000, 0xFE0F, 0xFEFF):
        return SPACE
    if 0xC0 <= c <= 0x1FFF or 0x2C00 <= c <= 0x2DFF or 0x3040 <= c <= 0xD7FF:
        return WORD
    return SYMBOL


def normalise(c: int) -> int:
    if 0x41 <= c <= 0x5A:
        return c + 0x20
    if c in (0x2018, 0x2019):
        return 0x27
    return c


def tokens(text: str) -> list[tuple[int, str]]:
    """(class, token) pairs; SPACE separates and is never a token."""
    out: list[tuple[int, str]] = []
    run: list[str] = []
    kind = SPACE

    def flush() -> None:
        token = "".join(run)
        if kind == WORD:
            token = token.strip("'")
        if token:
            out.append((kind, token))
        run.clear()

    for char in text:
        c = normalise(ord(char))
        k = char_class(c)
        if k != kind or k == SYMBOL or len(run) == MAX_TOKEN:
            flush()
            kind = k
        if k == SPACE:
            continue
        char = chr(c)
        if len(run) >= MAX_RUN and all(r == char for r in run[-MAX_RUN:]):
            continue
        run.append(char)
    flush()
    return out


def split_digit(toks: list[tuple[int, str]]) -> int:
    """0 is the test set, 1 validation; texts with equal tokens always fall together."""
    return fnv1a64(split_key(toks).encode()) % 10


def split_key(toks: list[tuple[int, str]]) -> str:
    return " ".join(token for _, token in toks)


def keys(toks: list[tuple[int, str]]):
    """Feature keys in the order that the cap on their number cuts from the end."""
    prev = prev2 = "^"
    for kind, token in toks:
        yield "1" + token
        yield "2" + prev + " " + token
        # Reaches across one token, for "not very good".
        yield "s" + prev2 + " " + token
        prev2, prev = prev, token
        if kind == WORD:
            padded = "<" + token + ">"
            for n in range(CHAR_MIN, CHAR_MAX + 1):
                for i in range(len(padded) - n + 1):
                    yield "c" + padded[i : i + n]


def features(text: str) -> list[int]:
    """Distinct bucket ids in [1, BUCKETS), by first occurrence, at most MAX_FEATURES."""
    seen: dict[int, None] = {}
    for key in keys(tokens(text)):
        seen.setdefault(1 + fnv1a64(key.encode()) % (BUCKETS - 1))
        if len(seen) == MAX_FEATURES:
            break
    return list(seen)
